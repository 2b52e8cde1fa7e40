"""What members choose for themselves on CRM & Live Feed."""

from collections.abc import Collection

from django.db import transaction

from activity.models import Kind, LoggingSettings, MemberSettings
from activity.settings import SWITCHES
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
    """Switch *Sync all messages* on or off."""
    return _save(membership, {"sync_all_messages": is_on})


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
