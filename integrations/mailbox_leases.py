"""Which process watches which mailbox: leases in the database, so that several processes share them."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.models import Mailbox, MailboxState


def _lease() -> timedelta:
    return timedelta(seconds=settings.MAILBOX_LEASE)


def to_watch() -> QuerySet[Mailbox]:
    """The mailboxes that somebody is to watch."""
    return Mailbox.objects.filter(state=MailboxState.CONNECTED, is_paused=False, membership__left_at=None)


def take(holder: str, room: int) -> list[int]:
    """Lease up to `room` mailboxes that nobody watches; returns their ids, those waiting longest first."""
    now = timezone.now()
    with transaction.atomic():
        is_due = Q(retry_at=None) | Q(retry_at__lte=now)
        free = to_watch().filter(Q(lease_until=None) | Q(lease_until__lt=now), is_due)
        ids = list(
            free.order_by("lease_until", "pk")
            .select_for_update(skip_locked=True, of=["self"])
            .values_list("pk", flat=True)[:room]
        )
        Mailbox.objects.filter(pk__in=ids).update(lease_holder=holder, lease_until=now + _lease())
    return ids


def keep(holder: str) -> set[int]:
    """Extend the leases of the holder; returns the mailboxes that it may go on watching."""
    held = to_watch().filter(lease_holder=holder)
    held.update(lease_until=timezone.now() + _lease())
    return set(held.values_list("pk", flat=True))


def release(holder: str) -> None:
    """Give everything back at once."""
    Mailbox.objects.filter(lease_holder=holder).update(lease_holder="", lease_until=None)
