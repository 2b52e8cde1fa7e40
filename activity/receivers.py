"""What the activity app does on news from workspaces and integrations."""

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from activity import own_settings
from activity.models import LoggingSettings, Reason
from activity.pipeline.hold import (
    STANDING_REASONS,
    hold_connection,
    hold_workspace,
    release_held,
    release_restored,
    skip_member,
)
from activity.pipeline.late import forget_changed, log_late
from activity.saved_searches import forget_searches
from integrations.models import Connection, Mailbox, SalesforceOrg
from integrations.salesforce.client import Person
from integrations.signals import (
    connection_lost,
    connection_restored,
    mailbox_connected,
    records_changed,
    sync_user_changed,
)
from workspaces.models import Membership, Role
from workspaces.signals import member_removed, role_created


@receiver(role_created)
def give_settings(role: Role, **kwargs: Any) -> None:
    """A new role starts with the defaults, written down so that they can be shown and confirmed."""
    LoggingSettings.objects.get_or_create(role=role)


@receiver(connection_lost)
def hold_jobs(connection: Connection, **kwargs: Any) -> None:
    """Hold what waits for the connection; when it was ended by its member, until they connect again."""
    reason = Reason.CONNECTION_LOST if connection.disconnected_at is None else Reason.NOT_CONNECTED
    detail = connection.get_cause_display() if reason == Reason.CONNECTION_LOST else ""
    hold_connection(connection, reason, detail)


@receiver(connection_restored)
def release_jobs(connection: Connection, **kwargs: Any) -> None:
    """Let everything flow that was held for the member, in its order."""
    release_restored(connection)


@receiver(sync_user_changed)
def hold_or_release_workspace(org: SalesforceOrg, **kwargs: Any) -> None:
    """Matching may go on, or must wait."""
    org = SalesforceOrg.objects.select_related("sync_user", "workspace").get(pk=org.pk)
    if org.sync_user is not None and org.sync_user.is_usable:
        release_held(org.workspace, *STANDING_REASONS)
    else:
        hold_workspace(org.workspace, Reason.NO_SYNC_USER)


@receiver(member_removed)
def skip_jobs(membership: Membership, **kwargs: Any) -> None:
    """What had not been sent when the member left is not sent."""
    skip_member(membership)


@receiver(member_removed)
def drop_saved_searches(membership: Membership, **kwargs: Any) -> None:
    """They were the member's own."""
    forget_searches(membership)


@receiver(records_changed)
def match_again(org: SalesforceOrg, people: list[Person], **kwargs: Any) -> None:
    """People changed in Salesforce: forget what was remembered of them, and log what waited for them."""
    with transaction.atomic():
        addresses = forget_changed(org.workspace, people)
        log_late(org.workspace, addresses)


@receiver(mailbox_connected)
def sync_all_messages(mailbox: Mailbox, **kwargs: Any) -> None:
    """Who connects a mailbox wants its mail logged."""
    if not own_settings.own_settings_of(mailbox.membership).sync_all_messages:
        own_settings.save_sync_all(mailbox.membership, True)
