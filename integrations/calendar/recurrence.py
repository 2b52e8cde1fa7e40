"""The next times of a recurring meeting: as many as are needed for a year, never for ever."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import recurring_ical_events
from icalendar import Calendar, Event

BEHIND = timedelta(days=1)
AHEAD = timedelta(days=366)
MOST_INSTANCES = 100


def expand(
    start: Any, end: Any, rule: Any, more: Sequence[Any], without: Sequence[Any], now: datetime
) -> list[tuple[Any, Any]]:
    """(start, end) of the times from a day before `now` on, at most MOST_INSTANCES within AHEAD.

    `start` and `end` of the first time are aware or days; `rule` is an RRULE as icalendar reads it, or None; `more`
    and `without` are of the same kind as `start`. The clock of the meeting's own zone holds across changes to and
    from summer time.
    """
    event = Event()
    event.add("UID", "1")
    event.add("DTSTART", start)
    event.add("DTEND", end)
    if rule is not None:
        event["RRULE"] = _bound(rule, start, now)
    if more:
        event.add("RDATE", list(more))
    if without:
        event.add("EXDATE", list(without))
    calendar = Calendar()
    calendar.add_component(event)
    found = recurring_ical_events.of(calendar).between(now - BEHIND, now + AHEAD)
    times = sorted((each["DTSTART"].dt, each["DTEND"].dt) for each in found)
    return times[:MOST_INSTANCES]


def _bound(rule: Any, start: Any, now: datetime) -> Any:
    """The rule with an end: one that no date fits would be followed to the year 9999."""
    bounded = rule.copy()
    last = now.astimezone(UTC) + AHEAD + timedelta(days=2)
    until = (bounded.get("UNTIL") or [None])[0]
    if "COUNT" not in bounded and (until is None or _as_utc(until) > last):
        bounded["UNTIL"] = [last if isinstance(start, datetime) else last.date()]
    return bounded


def _as_utc(moment: date) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.max, UTC)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
