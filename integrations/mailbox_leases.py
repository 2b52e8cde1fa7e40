"""Which process watches which mailbox."""

from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations import leases
from integrations.models import Mailbox, MailboxState


def to_watch() -> QuerySet[Mailbox]:
    """The mailboxes that somebody is to watch; those of who was shut out wait, and are read on where they were."""
    connected = Mailbox.objects.filter(state=MailboxState.CONNECTED, is_paused=False)
    return connected.filter(membership__left_at=None, membership__user__is_active=True)


def take(holder: str, room: int) -> list[int]:
    """Lease up to `room` mailboxes that nobody watches; returns their ids, those waiting longest first."""
    is_due = Q(retry_at=None) | Q(retry_at__lte=timezone.now())
    return leases.take(to_watch().filter(is_due).order_by("lease_until", "pk"), holder, room)


def keep(holder: str) -> set[int]:
    """Extend the leases of the holder; returns the mailboxes that it may go on watching."""
    return leases.keep(to_watch(), holder)


def release(holder: str) -> None:
    """Give everything back at once."""
    leases.release(Mailbox.objects.all(), holder)
