"""What members choose for themselves on CRM & Live Feed."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from activity.models import DueJob, Kind, LoggingSettings, MemberSettings, Reason, Source, SyncJob, SyncState
from activity.settings import SWITCHES
from integrations import mailboxes
from workspaces.audit import Action, record
from workspaces.models import Membership


class NotYours(Exception):
    """The role decides about this, not its members; `user_message` says so."""

    user_message = "Your role decides which activities are logged. Ask a workspace admin to change it."


def own_settings_of(membership: Membership) -> MemberSettings:
    """The member's choices; unsaved defaults for somebody who has not chosen yet, so that reading writes nothing."""
    return MemberSettings.objects.filter(membership=membership).first() or MemberSettings(membership=membership)


def role_settings_of(membership: Membership) -> LoggingSettings:
    """The settings of the member's role; unsaved defaults where nobody has saved any."""
    return LoggingSettings.objects.filter(role=membership.role).first() or LoggingSettings(role=membership.role)


def save_sync_all(membership: Membership, is_on: bool) -> MemberSettings:
    """Switch *Sync all messages* on or off: the mailbox, where one is connected, is read or left alone."""
    with transaction.atomic():
        saved = _save(membership, {"sync_all_messages": is_on})
        (mailboxes.resume if is_on else mailboxes.pause)(membership)
    return saved


def unsent_mail(membership: Membership) -> QuerySet[SyncJob]:
    """The rows of mail from the member's mailbox that did not reach Salesforce yet and still may."""
    return SyncJob.objects.filter(
        workspace=membership.workspace_id,
        owner=membership,
        activity__source=Source.MAILBOX,
        state__in=(SyncState.WAITING, SyncState.HELD),
    )


@transaction.atomic
def drop_unsent_mail(membership: Membership) -> int:
    """Do not log what waits of the member's mailbox; returns how many rows. What is being sent is not touched."""
    DueJob.objects.filter(job__in=unsent_mail(membership), sent_at=None, unknown_since=None).delete()
    return (
        unsent_mail(membership)
        .filter(due=None)
        .update(
            state=SyncState.SKIPPED,
            reason=Reason.NOT_VIA_TOUCHLINE,
            reason_detail="",
            changed_at=timezone.now(),
            finished_at=timezone.now(),
        )
    )


def save_sharing(membership: Membership, is_on: bool) -> MemberSettings:
    """Let teammates see the member's activities in the Live Feed, or not."""
    return _save(membership, {"share_in_feed": is_on})


def save_own_kinds(membership: Membership, kinds: Collection[Kind] | None) -> MemberSettings:
    """Log these kinds; None: as the role says. Raises NotYours where the role does not leave it to its members."""
    if not role_settings_of(membership).members_manage_own:
        raise NotYours
    chosen = None if kinds is None else [kind.value for kind in SWITCHES if kind in kinds]
    return _save(membership, {"own_kinds": chosen})


@transaction.atomic
def _save(membership: Membership, changes: dict[str, object]) -> MemberSettings:
    settings, _ = MemberSettings.objects.update_or_create(membership=membership, defaults=changes)
    record(
        Action.SETTINGS_SAVED,
        workspace=membership.workspace,
        actor=membership.user,
        target=f"own settings of {membership}",
        details={"changes": changes},
    )
    return settings
