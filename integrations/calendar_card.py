"""What the calendar card of a member shows."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone

from integrations.calendar.messages import REFUSALS
from integrations.calendar.providers import OTHER, PROVIDERS
from integrations.calendars import calendar_of
from integrations.models import Calendar, CalendarCollection, CalendarResource, CalendarState
from workspaces.models import Membership

POLL_STARTS_WITHIN = timedelta(minutes=1)
SHOWN = 10


class CalendarCardState(StrEnum):
    """The states; each has its sentence and its button."""

    ABSENT = "absent"
    NOT_CHOSEN = "not_chosen"
    NEEDS_ATTENTION = "needs_attention"
    FAILING = "failing"
    STARTING = "starting"
    UNWATCHED = "unwatched"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class SetAside:
    """An entry that could not be read: in which calendar, why."""

    calendar: str
    why: str


@dataclass(frozen=True, slots=True)
class CalendarCard:
    """The state and what belongs to it."""

    state: CalendarCardState
    calendar: Calendar | None = None
    provider: str = ""
    collections: list[CalendarCollection] = field(default_factory=list)
    set_aside_count: int = 0
    set_aside: list[SetAside] = field(default_factory=list)


def calendar_card(membership: Membership) -> CalendarCard:
    """The card; at most four queries."""
    calendar = calendar_of(membership)
    if calendar is None:
        return CalendarCard(CalendarCardState.ABSENT)
    collections = list(calendar.collections.order_by("name"))
    unread = CalendarResource.objects.filter(collection__calendar=calendar).exclude(reason="")
    return CalendarCard(
        _state_of(calendar, collections),
        calendar,
        PROVIDERS.get(calendar.provider, OTHER).name,
        collections,
        unread.count(),
        [
            SetAside(each.collection.name, REFUSALS.get(each.reason, ""))
            for each in unread.select_related("collection").order_by("-pk")[:SHOWN]
        ],
    )


def _state_of(calendar: Calendar, collections: list[CalendarCollection]) -> CalendarCardState:
    now = timezone.now()
    if calendar.state == CalendarState.NEEDS_ATTENTION:
        return CalendarCardState.NEEDS_ATTENTION
    if not collections:
        return CalendarCardState.NOT_CHOSEN
    if calendar.failing_since is not None:
        return CalendarCardState.FAILING
    is_polled = calendar.lease_until is not None and calendar.lease_until > now
    if not is_polled and now - calendar.poll_at > max(POLL_STARTS_WITHIN, timedelta(seconds=settings.CALENDAR_POLL)):
        return CalendarCardState.UNWATCHED
    return CalendarCardState.READING if calendar.read_at else CalendarCardState.STARTING
