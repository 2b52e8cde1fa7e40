"""Which process polls which calendar, and when."""

from collections.abc import Collection

from django.db.models import QuerySet
from django.utils import timezone

from integrations import leases
from integrations.models import Calendar, CalendarState


def to_poll() -> QuerySet[Calendar]:
    """The calendars that somebody is to poll; one of which nothing is chosen, or whose owner was shut out, is left
    alone.
    """
    live = Calendar.objects.filter(state=CalendarState.CONNECTED, membership__left_at=None)
    return live.filter(membership__user__is_active=True).exclude(collections=None)


def take(holder: str, room: int, but: Collection[int] = ()) -> list[int]:
    """Lease up to `room` calendars that are due and that nobody polls, `but` not these; returns their ids, the most
    overdue first.
    """
    due = Calendar.objects.filter(
        pk__in=to_poll().filter(poll_at__lte=timezone.now()).exclude(pk__in=but).values("pk")
    )
    return leases.take(due.order_by("poll_at", "pk"), holder, room)


def keep(holder: str) -> set[int]:
    """Extend the leases of the holder; returns the calendars that it may go on polling."""
    return leases.keep(Calendar.objects.filter(pk__in=to_poll().values("pk")), holder)


def release(holder: str) -> None:
    """Give everything back at once."""
    leases.release(Calendar.objects.all(), holder)
