"""What the mailbox card of a member shows."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from django.utils import timezone

from integrations.mailbox.limits import QUARANTINE_REASONS
from integrations.mailboxes import mailbox_of
from integrations.models import Mailbox, MailboxAuth, MailboxFolder, MailboxState, QuarantinedMail
from workspaces.models import Membership

WATCH_STARTS_WITHIN = timedelta(minutes=1)
SHOWN = 10
DISCONNECT_ENDS = {
    MailboxAuth.PASSWORD: "forgets the password",
    MailboxAuth.GOOGLE: "gives its access back to Google",
    MailboxAuth.MICROSOFT: "forgets its access; remove Touchline at Microsoft too, among the apps of your account",
}
"""Microsoft offers no way to give access back."""


class MailboxCardState(StrEnum):
    """The states; each has its sentence and its button."""

    ABSENT = "absent"
    PAUSED = "paused"
    NEEDS_ATTENTION = "needs_attention"
    FAILING = "failing"
    STARTING = "starting"
    UNWATCHED = "unwatched"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that could not be read: when it came, from which folder, why."""

    arrived_at: object
    folder: str
    why: str


@dataclass(frozen=True, slots=True)
class MailboxCard:
    """The state and what belongs to it."""

    state: MailboxCardState
    mailbox: Mailbox | None = None
    folders: list[MailboxFolder] = field(default_factory=list)
    set_aside_count: int = 0
    set_aside: list[SetAside] = field(default_factory=list)

    @property
    def disconnect_text(self) -> str:
        """What disconnecting means for this mailbox."""
        ends = DISCONNECT_ENDS[MailboxAuth(self.mailbox.auth)] if self.mailbox else ""
        return f"Touchline closes its connections at once and {ends}. What was taken up already stays logged."


def mailbox_card(membership: Membership) -> MailboxCard:
    """The card; at most four queries."""
    mailbox = mailbox_of(membership)
    if mailbox is None:
        return MailboxCard(MailboxCardState.ABSENT)
    stood_aside = QuarantinedMail.objects.filter(folder__mailbox=mailbox)
    return MailboxCard(
        _state_of(mailbox),
        mailbox,
        list(mailbox.folders.order_by("-role", "name")),
        stood_aside.count(),
        [
            SetAside(each.arrived_at, each.folder.name, QUARANTINE_REASONS.get(each.reason, ""))
            for each in stood_aside.select_related("folder").order_by("-pk")[:SHOWN]
        ],
    )


def _state_of(mailbox: Mailbox) -> MailboxCardState:
    now = timezone.now()
    if mailbox.state == MailboxState.NEEDS_ATTENTION:
        return MailboxCardState.NEEDS_ATTENTION
    if mailbox.is_paused:
        return MailboxCardState.PAUSED
    if mailbox.failing_since is not None:
        return MailboxCardState.FAILING
    if mailbox.lease_until is not None and mailbox.lease_until > now:
        return MailboxCardState.READING if mailbox.read_at else MailboxCardState.STARTING
    seen = max(filter(None, (mailbox.lease_until, mailbox.read_at, mailbox.connected_at)))
    return MailboxCardState.STARTING if now - seen < WATCH_STARTS_WITHIN else MailboxCardState.UNWATCHED
