"""OAuth errors, from the callback (authorize) and from the token and revoke endpoints.

Source of codes and meanings: Salesforce's help pages on OAuth flow errors and token revocation.
"""

from integrations.salesforce.connection_errors import (
    AppBlocked,
    AppMisconfigured,
    AppNotApproved,
    ConnectionLost,
    IpBlocked,
    OrgInactive,
    Revoked,
    UserInactive,
)
from integrations.salesforce.error_classes import (
    MAKERS,
    NOBODY,
    TOUCHLINE_ADMIN,
    YOU,
    ConsentDenied,
    ErrorRow,
    OurMistake,
    SignInExpired,
    Transient,
)

_SETUP_GUIDE = "docs/salesforce-setup.md"

ROWS = (
    # --- at the callback
    ErrorRow("oauth", "access_denied", ConsentDenied, "Access not allowed by the person"),
    ErrorRow(
        "oauth",
        "OAUTH_APP_ACCESS_DENIED",
        AppNotApproved,
        "User not approved for the app",
        user_message="Your Salesforce admin has not allowed Touchline for your user. Ask them, then connect again.",
        where="Setup › External Client App Manager › Touchline › Policies › Permitted Users, profiles or "
        "permission sets",
    ),
    ErrorRow("oauth", "OAUTH_APP_BLOCKED", AppBlocked, "App blocked"),
    ErrorRow(
        "oauth",
        "OAUTH_APPROVAL_ERROR_GENERIC",
        AppNotApproved,
        "App not installed",
        user_message="Touchline is not installed in your Salesforce org yet. Ask your Salesforce admin, "
        "then connect again.",
        where="Setup › Connected Apps OAuth Usage › Touchline › Install",
    ),
    ErrorRow(
        "oauth",
        "invalid_scope",
        AppMisconfigured,
        "Scope not allowed for the app",
        user_message="The External Client App lacks a scope that Touchline asks for. Your Touchline admin "
        "must add it.",
        where=f"{_SETUP_GUIDE}: scopes api, refresh_token, openid",
    ),
    ErrorRow("oauth", "immediate_unsuccessful", OurMistake, "Approval page was skipped"),
    ErrorRow("oauth", "inactive_user", UserInactive, "User inactive"),
    ErrorRow("oauth", "inactive_org", OrgInactive, "Org inactive"),
    ErrorRow(
        "oauth",
        "rate_limit_exceeded",
        Transient,
        "Too many sign-ins",
        user_message="Salesforce counts too many sign-ins. Wait a few minutes, then connect again.",
        who=YOU,
        where="Settings › Integrations › Connect to Salesforce",
    ),
    ErrorRow(
        "oauth",
        "redirect_uri_mismatch",
        AppMisconfigured,
        "Callback address differs",
        user_message="The callback address in the External Client App is not Touchline's. Your Touchline "
        "admin must "
        "correct it.",
        where=f"{_SETUP_GUIDE}: callback URL",
    ),
    ErrorRow("oauth", "invalid_request", OurMistake, "Sign-in request malformed"),
    # --- at the token endpoint
    # Anything unknown about a grant ends it: repeating it could only look like an attack on a rotated token.
    ErrorRow("oauth", "invalid_grant", Revoked, "Access withdrawn"),
    ErrorRow(
        "oauth",
        "invalid_grant",
        Revoked,
        "Refresh token no longer valid",
        pattern=r"expired access/refresh token",
        user_message="Touchline's access to Salesforce was withdrawn, or not used for too long. Reconnect "
        "to Salesforce; "
        "nothing is lost meanwhile.",
    ),
    ErrorRow("oauth", "invalid_grant", SignInExpired, "Code too old or used", pattern=r"authorization code"),
    ErrorRow("oauth", "invalid_grant", SignInExpired, "Code of another sign-in", pattern=r"code verifier"),
    ErrorRow("oauth", "invalid_grant", UserInactive, "User inactive", pattern=r"inactive user"),
    ErrorRow("oauth", "invalid_grant", OrgInactive, "Org inactive", pattern=r"inactive org"),
    ErrorRow("oauth", "invalid_grant", IpBlocked, "Network address not allowed", pattern=r"ip restricted"),
    ErrorRow(
        "oauth",
        "invalid_grant",
        AppNotApproved,
        "User not approved for the app",
        pattern=r"hasn.?t approved this consumer",
    ),
    ErrorRow("oauth", "invalid_grant", ConnectionLost, "Sign-in refused", pattern=r"authentication failure"),
    ErrorRow(
        "oauth",
        "invalid_client",
        AppMisconfigured,
        "Consumer secret wrong",
        user_message="Salesforce does not accept Touchline's consumer secret. Your Touchline admin must correct it.",
        who=TOUCHLINE_ADMIN,
        where="the settings SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET",
    ),
    ErrorRow(
        "oauth",
        "invalid_client",
        AppNotApproved,
        "App not installed",
        pattern=r"must be installed",
        user_message="Touchline is not installed in your Salesforce org yet. Ask your Salesforce admin, "
        "then connect again.",
        where="Setup › Connected Apps OAuth Usage › Touchline › Install",
    ),
    ErrorRow(
        "oauth",
        "invalid_client_id",
        AppMisconfigured,
        "Consumer key unknown",
        user_message="Salesforce does not know Touchline's consumer key. A new key takes some minutes to "
        "work; otherwise "
        "your Touchline admin must correct it.",
        who=TOUCHLINE_ADMIN,
        where="the settings SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET",
    ),
    ErrorRow(
        "oauth",
        "unsupported_grant_type",
        OurMistake,
        "Kind of sign-in not supported",
        who=MAKERS,
    ),
    ErrorRow("oauth", "unknown_error", Transient, "Salesforce's own fault", who=NOBODY, unknown_on_write=True),
    # --- at the revoke endpoint: the token is dead already, which is what was wanted
    ErrorRow("oauth", "unsupported_token_type", Revoked, "Token already invalid"),
    ErrorRow("oauth", "invalid_token", Revoked, "Token already invalid"),
)
