"""Who reads for the workspace: appoint the Sync User and its stand-by, hand over, cap the API use.

Losing the Sync User never changes the identity silently: only an admin's act here, or the member's who was asked,
appoints another one.
"""

from django.db import transaction

from integrations import notices
from integrations.connections import connection_of, disconnect
from integrations.models import Connection, SalesforceOrg, SyncUserRequest
from integrations.signals import sync_user_changed
from workspaces.audit import Action, record
from workspaces.models import Membership, User


class SyncUserError(Exception):
    """What the admin asked for cannot be; the text is for them."""


@transaction.atomic
def appoint(org: SalesforceOrg, connection: Connection, by: User | None) -> None:
    """Make a live connection of the org the Sync User; a former one of its own that serves nothing else ends."""
    _require_fit(org, connection)
    org = _lock(org)
    former = org.sync_user
    if former == connection:
        return
    org.sync_user = connection
    SyncUserRequest.objects.filter(workspace=org.workspace).delete()
    if org.stand_by == connection:
        org.stand_by = None
    org.save(update_fields=["sync_user", "stand_by"])
    record(
        Action.SALESFORCE_SYNC_USER_CHANGED,
        workspace=org.workspace,
        actor=by,
        target=str(connection.salesforce_user),
        details={"former": str(former.salesforce_user) if former else ""},
    )
    sync_user_changed.send(SalesforceOrg, org=org)
    _retire(org, former, by)


@transaction.atomic
def appoint_stand_by(org: SalesforceOrg, connection: Connection | None, by: User) -> None:
    """Name a live connection that may take over, or nobody. It takes over only when an admin says so."""
    org = _lock(org)
    former = org.stand_by
    if connection is not None:
        _require_fit(org, connection)
        if connection == org.sync_user:
            raise SyncUserError("The Sync User cannot be its own stand-by. Choose another connection.")
    if former == connection:
        return
    org.stand_by = connection
    org.save(update_fields=["stand_by"])
    record(
        Action.SALESFORCE_SYNC_USER_CHANGED,
        workspace=org.workspace,
        actor=by,
        target=str(connection.salesforce_user) if connection else "nobody",
        details={"post": "stand-by"},
    )
    _retire(org, former, by)


def assign(membership: Membership, by: User) -> bool:
    """Give the post to a member: at once when connected (True), otherwise a letter asks them to connect (False)."""
    connection = connection_of(membership)
    if connection is not None:
        appoint(connection.org, connection, by)
        return True
    with transaction.atomic():
        SyncUserRequest.objects.update_or_create(workspace=membership.workspace, defaults={"membership": membership})
        record(
            Action.SALESFORCE_SYNC_USER_CHANGED,
            workspace=membership.workspace,
            actor=by,
            target=str(membership),
            details={"post": "asked"},
        )
        notices.ask_to_become_sync_user(membership, by)
    return False


def set_api_cap(org: SalesforceOrg, percent: int, by: User) -> None:
    """Set our own share of the org's daily API calls, 1 to 100 %."""
    with transaction.atomic():
        SalesforceOrg.objects.filter(pk=org.pk).update(api_cap_percent=percent)
        record(
            Action.WORKSPACE_CHANGED,
            workspace=org.workspace,
            actor=by,
            target="Share of Salesforce API calls",
            details={"from": org.api_cap_percent, "to": percent},
        )


def _lock(org: SalesforceOrg) -> SalesforceOrg:
    return (
        SalesforceOrg.objects.select_related("workspace", "sync_user__salesforce_user", "stand_by__salesforce_user")
        .select_for_update(of=("self",))
        .get(pk=org.pk)
    )


def _require_fit(org: SalesforceOrg, connection: Connection) -> None:
    if connection.org_id != org.pk or connection.disconnected_at is not None:
        raise SyncUserError("That connection has ended or belongs to another organisation.")


def _retire(org: SalesforceOrg, former: Connection | None, by: User | None) -> None:
    """End a connection that belonged to no member and has lost its post: nobody could ever use or see it again."""
    if former and former.membership_id is None and former not in (org.sync_user, org.stand_by):
        disconnect(former, by)
