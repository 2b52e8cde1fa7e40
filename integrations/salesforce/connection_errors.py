"""The ways in which one person's connection stops working. `cause` is what pages and the database tell them by."""

from typing import ClassVar

from integrations.salesforce.error_classes import (
    NOBODY,
    SALESFORCE_ADMIN,
    TOUCHLINE_ADMIN,
    YOU,
    Remedy,
    SalesforceError,
)


class ConnectionLost(SalesforceError):
    """This person's connection does not work. `cause` is a stable word to store and to choose the page's text
    by.
    """

    cause: ClassVar[str] = "other"
    user_message = "Salesforce refused the sign-in of this connection. Reconnect to Salesforce."
    remedy = Remedy(YOU, "Settings › Integrations › Reconnect")


class SessionExpired(ConnectionLost):
    """The access token is used up. Refresh once under the connection's lease and repeat the call once."""

    cause = "session_expired"
    user_message = "The Salesforce session ended. Touchline renews it by itself."
    remedy = Remedy(NOBODY)


class Revoked(ConnectionLost):
    """The grant is dead: revoked, rotated away, or pushed out by a newer one."""

    cause = "revoked"
    user_message = (
        "Touchline's access to Salesforce was withdrawn. Reconnect to Salesforce; nothing is lost meanwhile."
    )


class Idle(ConnectionLost):
    """The grant was not used for longer than the org's policy allows. Salesforce itself answers as if
    revoked.
    """

    cause = "idle"
    user_message = "Touchline's access ended because it was not used for too long. Reconnect to Salesforce."


class UserInactive(ConnectionLost):
    """The Salesforce user is deactivated or frozen."""

    cause = "user_inactive"
    user_message = "This Salesforce user is deactivated or frozen. Ask your Salesforce admin, then reconnect."
    remedy = Remedy(SALESFORCE_ADMIN, "Setup › Users › the user › Active, and Unfreeze")


class OrgInactive(ConnectionLost):
    """The org is locked, closed, suspended, or its trial has ended."""

    cause = "org_inactive"
    user_message = "This Salesforce org is locked or closed. Your Salesforce admin must contact Salesforce."
    remedy = Remedy(SALESFORCE_ADMIN, "Salesforce support")


class AppNotApproved(ConnectionLost):
    """The org's admin has not installed the app, or has not allowed this user to use it."""

    cause = "app_not_approved"
    user_message = "Your Salesforce admin has not allowed Touchline for you yet. Ask them, then connect again."
    remedy = Remedy(
        SALESFORCE_ADMIN,
        "Setup › Connected Apps OAuth Usage › Touchline › Install, or Setup › External Client App Manager "
        "› Touchline › "
        "Policies › Permitted Users",
    )


class AppBlocked(ConnectionLost):
    """The org's admin has blocked the app."""

    cause = "app_blocked"
    user_message = "Your Salesforce admin has blocked Touchline. Ask them to unblock it, then connect again."
    remedy = Remedy(SALESFORCE_ADMIN, "Setup › Connected Apps OAuth Usage › Touchline › Unblock")


class AppMisconfigured(ConnectionLost):
    """Key, secret, scopes or callback of the External Client App are wrong: every connection of this
    installation.
    """

    user_message = "Salesforce does not accept Touchline's own app settings. Your Touchline admin must correct them."
    remedy = Remedy(TOUCHLINE_ADMIN, "docs/salesforce-setup.md: consumer key, consumer secret, callback URL, scopes")


class IpBlocked(ConnectionLost):
    """The org does not accept the address that we call from."""

    cause = "ip_blocked"
    user_message = (
        "Salesforce does not accept calls from Touchline's network address. Your Salesforce admin must allow it."
    )
    remedy = Remedy(
        SALESFORCE_ADMIN,
        "Setup › External Client App Manager › Touchline › Policies › IP Relaxation, or Setup › Network Access",
    )


class ApiDisabled(ConnectionLost):
    """The edition has no API, or the user lacks API Enabled."""

    cause = "api_disabled"
    user_message = (
        "This Salesforce user may not use the API. Your Salesforce admin must give the permission API Enabled."
    )
    remedy = Remedy(SALESFORCE_ADMIN, "Setup › Permission Sets › System Permissions › API Enabled")


class PasswordExpired(ConnectionLost):
    """The user must set a new Salesforce password first."""

    cause = "password"
    user_message = "Your Salesforce password has expired. Log in to Salesforce, set a new one, then reconnect."
    remedy = Remedy(YOU, "the Salesforce login page")


class PermissionLost(ConnectionLost):
    """The grant does not (or no longer) include what Touchline needs."""

    cause = "permission_lost"
    user_message = (
        "Touchline may sign in to Salesforce but not use its API. Reconnect and allow everything it asks for."
    )


class Sealed(ConnectionLost):
    """The stored tokens cannot be opened: the installation lost its key, or has another one."""

    cause = "sealed"
    user_message = (
        "Touchline cannot open the access that it keeps encrypted, because the key to it is missing. Tell whoever "
        "runs Touchline, or reconnect to Salesforce; nothing is lost meanwhile."
    )
    remedy = Remedy(TOUCHLINE_ADMIN, "FIELD_ENCRYPTION_KEYS")


class HostChanged(ConnectionLost):
    """The org now answers with an address, or an org id, that is not the one on file."""

    cause = "host_changed"
    user_message = (
        "Your Salesforce org has moved to an address that Touchline does not know. Reconnect to Salesforce."
    )
