"""API codes that concern the connection or the org as a whole, and those that pass by themselves.

Source of codes and meanings: Salesforce's REST and SOAP guides (core data types, status codes).
"""

from integrations.salesforce.connection_errors import (
    ApiDisabled,
    OrgInactive,
    PasswordExpired,
    PermissionLost,
    SessionExpired,
)
from integrations.salesforce.error_classes import (
    ErrorRow,
    LimitReached,
    OrgUnavailable,
    RecordLocked,
    RolledBack,
    StorageFull,
    Transient,
)

_BUSY = "Salesforce is busy. Touchline waits a moment and tries again."

ROWS = (
    ErrorRow("api", "INVALID_SESSION_ID", SessionExpired, "Session ended"),
    ErrorRow(
        "api",
        "INVALID_SESSION_ID",
        PermissionLost,
        "Session without API access",
        pattern=r"not valid for use with",
        where="Settings › Integrations › Reconnect, and allow everything that Salesforce asks for",
    ),
    # The two ways in which the OAuth endpoints name a dead access token, as XML and as bare text.
    ErrorRow("api", "LOGIN_OAUTH_INVALID_TOKEN", SessionExpired, "Session ended"),
    ErrorRow("api", "Bad_OAuth_Token", SessionExpired, "Session ended"),
    ErrorRow(
        "api",
        "API_DISABLED_FOR_ORG",
        ApiDisabled,
        "No API in this org or for this user",
        user_message="This Salesforce edition has no API, or your user may not use it. Enterprise, "
        "Performance, "
        "Unlimited and Developer editions have it; Professional needs the API add-on.",
        where="Setup › Company Information › Organization Edition, and Setup › Permission Sets › API Enabled",
    ),
    ErrorRow("api", "API_CURRENTLY_DISABLED", ApiDisabled, "API not allowed for this user", pattern=r"\buser\b"),
    # The SOAP guide uses the same code for a fault of Salesforce's own: what does not speak of the user
    # passes.
    ErrorRow(
        "api",
        "API_CURRENTLY_DISABLED",
        OrgUnavailable,
        "API switched off for a while",
        user_message="Salesforce has switched its API off for a while. Touchline waits and goes on afterwards.",
    ),
    # Total or unknown wording: the safe side is to stop all calls of the org.
    ErrorRow("api", "REQUEST_LIMIT_EXCEEDED", LimitReached, "Daily API calls used up"),
    ErrorRow(
        "api",
        "REQUEST_LIMIT_EXCEEDED",
        Transient,
        "Too many long calls at once",
        pattern=r"concurrent",
        user_message="Too many long calls run in your Salesforce org at once. Touchline waits a moment.",
    ),
    ErrorRow(
        "api",
        "UNABLE_TO_LOCK_ROW",
        Transient,
        "Record in use",
        user_message="Another process is changing the same account in Salesforce. Touchline tries again by itself.",
    ),
    ErrorRow(
        "api",
        "SERVER_UNAVAILABLE",
        Transient,
        "Salesforce unavailable",
        user_message=_BUSY,
        unknown_on_write=True,
    ),
    ErrorRow(
        "api",
        "UNKNOWN_EXCEPTION",
        Transient,
        "Salesforce's own fault",
        user_message="Salesforce had a fault of its own. Touchline tries again; the message holds an "
        "ErrorId for "
        "Salesforce support.",
        unknown_on_write=True,
    ),
    ErrorRow(
        "api",
        "REQUEST_RUNNING_TOO_LONG",
        Transient,
        "Call stopped after 10 minutes",
        user_message=_BUSY,
        unknown_on_write=True,
    ),
    ErrorRow("api", "QUERY_TIMEOUT", Transient, "Call ran too long", user_message=_BUSY, unknown_on_write=True),
    ErrorRow("api", "TOO_MANY_APEX_REQUESTS", Transient, "Too many Apex calls", user_message=_BUSY),
    ErrorRow(
        "api",
        "TXN_SECURITY_METERING_ERROR",
        Transient,
        "Security policy took too long",
        user_message="A security policy of your Salesforce org took too long. Touchline tries again; if "
        "this stays, "
        "your Salesforce admin can exempt this user from the policy.",
    ),
    ErrorRow(
        "api",
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        OrgUnavailable,
        "Salesforce in maintenance",
    ),
    ErrorRow("api", "ENTITY_IS_LOCKED", RecordLocked, "Record locked by an approval"),
    ErrorRow("api", "STORAGE_LIMIT_EXCEEDED", StorageFull, "No storage left"),
    ErrorRow("api", "PROCESSING_HALTED", RolledBack, "Undone with a sibling"),
    ErrorRow("api", "ALL_OR_NONE_OPERATION_ROLLED_BACK", RolledBack, "Undone with a sibling"),
    ErrorRow("api", "ORG_LOCKED", OrgInactive, "Org locked"),
    ErrorRow(
        "api",
        "TRIAL_EXPIRED",
        OrgInactive,
        "Trial ended",
        user_message="The trial of this Salesforce org has ended. Your Salesforce admin must contact Salesforce.",
    ),
    ErrorRow(
        "api",
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        PasswordExpired,
        "Password expired",
    ),
)
