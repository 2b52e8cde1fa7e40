"""A connection stops or starts working: the state, the news for the app above, the mail. All in one transaction."""

from django.db import transaction
from django.utils import timezone

from integrations import notices
from integrations.models import MENDABLE, Cause, Connection, ConnectionState, SalesforceOrg
from integrations.salesforce import errors
from integrations.signals import connection_lost, connection_restored, sync_user_changed

CAUSE_TEXT_LENGTH = 500

_ERROR_OF_CAUSE: dict[str, type[errors.ConnectionLost]] = {
    error.cause: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.ConnectionLost) and error.cause != "other"
}


def cause_of(error: errors.SalesforceError) -> Cause:
    """The cause to store for an error; what is no cause of its own becomes OTHER."""
    cause = getattr(error, "cause", "")
    return Cause(cause) if cause in Cause.values else Cause.OTHER


def error_of(connection: Connection) -> errors.ConnectionLost:
    """The error that a call through an unusable connection would give, from the cause on file."""
    if connection.state == ConnectionState.DISCONNECTED:
        return errors.Revoked("disconnected")
    return _ERROR_OF_CAUSE.get(connection.cause, errors.ConnectionLost)(connection.cause)


def mark_lost(connection: Connection, error: errors.SalesforceError, *, token_version: int | None = None) -> bool:
    """Note that Salesforce refuses the connection, and why; tell the app above and, once a day, the people.

    token_version: only if the tokens on file are still those that were refused, so that a late answer does not undo
    a reconnect. Returns whether this call changed the state.
    """
    still_so = Connection.objects.filter(pk=connection.pk, state=ConnectionState.CONNECTED)
    if token_version is not None:
        still_so = still_so.filter(token_version=token_version)
    with transaction.atomic():
        changed = still_so.update(
            state=ConnectionState.NEEDS_ATTENTION,
            cause=cause_of(error),
            cause_text=error.salesforce_text[:CAUSE_TEXT_LENGTH],
            cause_since=timezone.now(),
            refresh_holder="",
            refresh_until=None,
            refresh_tries=0,
        )
        if changed:
            _tell(Connection.objects.select_related("workspace", "org").get(pk=connection.pk))
    return bool(changed)


def restore(connection: Connection) -> bool:
    """Note that Salesforce takes a held connection again; returns whether this call changed the state."""
    with transaction.atomic():
        changed = Connection.objects.filter(
            pk=connection.pk, state=ConnectionState.NEEDS_ATTENTION, cause__in=MENDABLE
        ).update(state=ConnectionState.CONNECTED, cause="", cause_text="", cause_since=None)
        if changed:
            tell_restored(Connection.objects.select_related("workspace", "org").get(pk=connection.pk))
    return bool(changed)


def tell_restored(connection: Connection) -> None:
    """Tell the app above, in the caller's transaction, that the connection works (again)."""
    connection_restored.send(Connection, connection=connection)
    for org in SalesforceOrg.objects.filter(sync_user=connection):
        sync_user_changed.send(SalesforceOrg, org=org)


def _tell(connection: Connection) -> None:
    connection_lost.send(Connection, connection=connection, cause=connection.cause)
    for org in SalesforceOrg.objects.filter(sync_user=connection):
        sync_user_changed.send(SalesforceOrg, org=org)
    notices.tell_connection_lost(connection)
