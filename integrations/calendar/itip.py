"""Reads iCalendar (RFC 5545) and what it wants of its reader (iTIP, RFC 5546).

To be called in the bounded subprocess only (integrations/mailbox/parser.py): what is in a calendar is a stranger's.
"""

import re
import warnings
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component
from icalendar.prop.broken import vBroken
from icalendar.timezone import tzp

from integrations.calendar.limits import bound
from integrations.calendar.messages import CalendarMessage, CalendarRefused, Instance, Invited, Meeting, Moment
from integrations.calendar.recurrence import expand

__all__ = ["CalendarMessage", "CalendarRefused", "Instance", "Invited", "Meeting", "read_calendar"]

FIRST_YEAR, LAST_YEAR = 1970, 2199
LINE_LENGTH, TEXT_LENGTH, NAME_LENGTH, ADDRESS_LENGTH = 998, 32_000, 200, 320
MOST_SEQUENCE = 2**31 - 1
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def read_calendar(data: bytes, *, time_zone: str = "UTC", now: datetime | None = None) -> CalendarMessage:
    """What the calendar wants and its meetings, without those that cannot be understood.

    Times without a zone are in `time_zone` (an IANA name) or the zone that the calendar names; recurring meetings are
    expanded from `now` on. Raises CalendarRefused.
    """
    text = bound(data)
    tzp.use_default()  # forgets the zones that the calendar before this one defined
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            calendars = Calendar.from_ical(text, multiple=True)
            return _read(calendars, _zone(time_zone), now or datetime.now(UTC))
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
            raise CalendarRefused("broken") from None


def _read(calendars: Iterable[Component], zone: tzinfo, now: datetime) -> CalendarMessage:
    method, newest = None, {}
    for calendar in calendars:
        method = method or _word(calendar, "METHOD") or None
        named = _word(calendar, "X-WR-TIMEZONE", upper=False)
        for event in calendar.walk("VEVENT"):
            meeting = _meeting(event, method, _zone(named, zone), now)
            key = (meeting.uid, meeting.recurrence_id) if meeting else None
            if meeting and (key not in newest or _version(newest[key]) <= _version(meeting)):
                newest[key] = meeting
    return CalendarMessage(method, tuple(newest.values()))


def _version(meeting: Meeting) -> tuple[int, datetime]:
    return meeting.sequence, meeting.dtstamp or datetime.min.replace(tzinfo=UTC)


def _zone(name: str, otherwise: tzinfo = UTC) -> tzinfo:
    try:
        return ZoneInfo(name) if name else otherwise
    except (ValueError, LookupError, OSError):
        return otherwise


def _meeting(event: Component, method: str | None, zone: tzinfo, now: datetime) -> Meeting | None:
    """The meeting; None without a UID, or with a time that is none."""
    uid = _line(event, "UID")
    found = _value(event, "RECURRENCE-ID")
    recurrence_id = _utc(_dt(found), zone)
    if not uid or ("RECURRENCE-ID" in event and recurrence_id is None):
        return None
    start, end = _times(event, zone)
    if start is None and "DTSTART" in event:
        return None
    recurs = recurrence_id is None and any(name in event for name in ("RRULE", "RDATE"))
    return Meeting(
        uid=uid,
        recurrence_id=recurrence_id,
        and_future=_parameter(found, "RANGE").upper() == "THISANDFUTURE",
        sequence=_sequence(event),
        dtstamp=_stamp(event, method),
        summary=_line(event, "SUMMARY"),
        location=_line(event, "LOCATION"),
        description=_text(event, "DESCRIPTION").strip()[:TEXT_LENGTH],
        start=_utc(start, zone),
        end=_utc(end, zone),
        status=_word(event, "STATUS"),
        # RFC 5545 §3.8.1.3: a word that is not known means private.
        is_private=_word(event, "CLASS") not in ("", "PUBLIC"),
        organizer=next(iter(_people(event, "ORGANIZER")), None),
        attendees=tuple({each.address: each for each in _people(event, "ATTENDEE")}.values()),
        recurs=recurs,
        instances=_instances(event, start, end, zone, now) if recurs and start and end else (),
    )


# --- Values -----------------------------------------------------------------------------------------------


def _value(event: Component, name: str) -> Any:
    """The property, the first where several stand; None where it is missing or broken."""
    found = event.get(name)
    found = found[0] if isinstance(found, list) else found
    return None if isinstance(found, vBroken) else found


def _text(event: Component, name: str) -> str:
    value = _value(event, name)
    return "" if value is None else _CONTROL.sub("", str(value).replace("\r\n", "\n"))


def _line(event: Component, name: str) -> str:
    return " ".join(_text(event, name).split())[:LINE_LENGTH]


def _word(event: Component, name: str, *, upper: bool = True) -> str:
    word = _line(event, name)[:40]
    return word.upper() if upper else word


def _parameter(value: Any, name: str) -> str:
    found = value.params.get(name, "") if value is not None and hasattr(value, "params") else ""
    found = found[0] if isinstance(found, list) and found else found
    return _CONTROL.sub("", str(found)).strip()


def _sequence(event: Component) -> int:
    value = _value(event, "SEQUENCE")
    return min(max(int(value), 0), MOST_SEQUENCE) if isinstance(value, int) else 0


def _stamp(event: Component, method: str | None) -> datetime | None:
    """DTSTAMP; in a calendar's own entry LAST-MODIFIED where later (RFC 5545 §3.8.7.2: there they are one)."""
    names = ("DTSTAMP",) if method else ("DTSTAMP", "LAST-MODIFIED")
    moments = [_utc(_dt(_value(event, name)), UTC) for name in names]
    return max((each for each in moments if isinstance(each, datetime)), default=None)


# --- Times ------------------------------------------------------------------------------------------------


def _dt(value: Any) -> Any:
    return getattr(value, "dt", None)


def _utc(moment: Any, zone: tzinfo) -> Moment | None:
    """The time in UTC, a day as it is; None for what is neither or lies outside of the years that are taken."""
    if isinstance(moment, datetime):
        try:
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        except (OverflowError, ValueError):
            return None
    elif not isinstance(moment, date):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def _times(event: Component, zone: tzinfo) -> tuple[Moment | None, Moment | None]:
    """Start and end in the meeting's own zone; an end that is missing or too early follows from the start."""
    start = _dt(_value(event, "DTSTART"))
    if _utc(start, zone) is None:
        return None, None
    start = _localized(start, zone)
    shortest = start if isinstance(start, datetime) else start + timedelta(days=1)
    end, duration = _dt(_value(event, "DTEND")), _dt(_value(event, "DURATION"))
    if end is None and isinstance(duration, timedelta) and abs(duration) < timedelta(days=3660):
        end = start + duration
    if _utc(end, zone) is None or isinstance(end, datetime) != isinstance(start, datetime):
        return start, shortest
    end = _localized(end, start.tzinfo if isinstance(start, datetime) else zone)
    return start, max(end, shortest)


def _localized(moment: Any, zone: Any) -> Any:
    return moment.replace(tzinfo=zone) if isinstance(moment, datetime) and moment.tzinfo is None else moment


def _instances(event: Component, start: Any, end: Any, zone: tzinfo, now: datetime) -> tuple[Instance, ...]:
    rule = _value(event, "RRULE")
    found = expand(start, end, rule, _dates(event, "RDATE", start), _dates(event, "EXDATE", start), now)
    whole = ((_utc(begin, zone), _utc(finish, zone)) for begin, finish in found)
    return tuple(Instance(begin, begin, finish) for begin, finish in whole if begin and finish)


def _dates(event: Component, name: str, start: Any) -> list[Any]:
    """The dates of all lines of the list, of the same kind as `start`; of periods their beginnings."""
    found = event.get(name, [])
    lines = found if isinstance(found, list) else [found]
    values = [each.dt for line in lines if not isinstance(line, vBroken) for each in getattr(line, "dts", ())]
    starts = (value[0] if isinstance(value, tuple) else value for value in values)
    zone = start.tzinfo if isinstance(start, datetime) else None
    return [_localized(each, zone) for each in starts if isinstance(each, datetime) == isinstance(start, datetime)]


# --- People -----------------------------------------------------------------------------------------------


def _people(event: Component, name: str) -> list[Invited]:
    found = event.get(name, [])
    people = [_person(each) for each in (found if isinstance(found, list) else [found])]
    return [person for person in people if person is not None]


def _person(value: Any) -> Invited | None:
    if isinstance(value, vBroken):
        return None
    address = _address(str(value)) or _address(_parameter(value, "EMAIL"))
    if not address:
        return None
    name = " ".join(_parameter(value, "CN").strip("\"'").split())[:NAME_LENGTH]
    return Invited(
        address=address,
        name="" if name.lower() == address else name,
        partstat=_parameter(value, "PARTSTAT").upper()[:40],
        role=_parameter(value, "ROLE").upper()[:40],
        cutype=_parameter(value, "CUTYPE").upper()[:40] or "INDIVIDUAL",
        sent_by=_address(_parameter(value, "SENT-BY")),
    )


def _address(value: str) -> str:
    """The address of a `mailto:` or a bare one, lower case; empty for what is none."""
    found = _CONTROL.sub("", value).strip().strip('"').lower().removeprefix("mailto:").partition("?")[0].strip()
    local, at, domain = found.rpartition("@")
    plain = local and at and domain and " " not in found and ":" not in found and "/" not in domain
    return found if plain and len(found) <= ADDRESS_LENGTH else ""
