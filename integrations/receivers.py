"""What happens to connections on news from workspaces."""

from typing import Any

from django.dispatch import receiver

from integrations import api_keys, calendars, mailboxes, notices
from integrations.connections import connection_of, disconnect, live_org
from integrations.members_table import connections_of_members
from integrations.models import SalesforceOrg
from workspaces.models import Membership, Workspace
from workspaces.signals import member_removed, members_listed


@receiver(member_removed)
def end_connection(membership: Membership, **kwargs: Any) -> None:
    """Revoke the grant of a member who left; admins hear of it when it was the Sync User's."""
    connection = connection_of(membership)
    if connection is None:
        return
    was_sync_user = SalesforceOrg.objects.filter(sync_user=connection).exists()
    disconnect(connection, by=None)
    if was_sync_user:
        notices.tell_sync_user_left(connection)


@receiver(member_removed)
def end_mailbox(membership: Membership, **kwargs: Any) -> None:
    """Forget the password of a member who left; the watcher closes the connections."""
    mailbox = mailboxes.mailbox_of(membership)
    if mailbox is not None:
        mailboxes.disconnect(mailbox, by=None)


@receiver(member_removed)
def end_calendar(membership: Membership, **kwargs: Any) -> None:
    """Forget the password of a member who left; it is polled no more."""
    calendar = calendars.calendar_of(membership)
    if calendar is not None:
        calendars.disconnect(calendar, by=None)


@receiver(member_removed)
def tell_of_keys(membership: Membership, **kwargs: Any) -> None:
    """The keys that they made still work: admins hear which."""
    names = [key.name for key in api_keys.live_keys_by(membership.workspace, membership.user)]
    if names:
        notices.tell_keys_stay(membership, names)


@receiver(members_listed)
def tell_salesforce_state(workspace: Workspace, memberships: list[Membership], **kwargs: Any) -> None:
    """Give each member of the Members page what its Salesforce column shows."""
    rows = {row.membership.pk: row for row in connections_of_members(workspace, live_org(workspace))}
    for membership in memberships:
        membership.salesforce = rows.get(membership.pk)  # type: ignore[attr-defined]
