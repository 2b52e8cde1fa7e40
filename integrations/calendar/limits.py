"""What a calendar may measure, held before it is parsed, and what of it is read at all."""

import re
from collections import Counter
from collections.abc import Iterable

from integrations.calendar.messages import CalendarRefused

CALENDAR_BYTES = 1024 * 1024
COMPONENTS = 1_000
DEPTH = 5
LINES = 20_000
LINE_CHARACTERS = 8 * 1024
"""Of one line, its folds undone; texts and lists of dates may be longer."""
LONG_CHARACTERS = 256 * 1024
RULE_CHARACTERS = 1_000
PEOPLE = 500
DATES = 2_000
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})

_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_PARTS = re.compile(r"(FREQ|BYHOUR|BYMINUTE|BYSECOND)\s*=\s*([^;]*)", re.IGNORECASE)
_STANDSTILL = re.compile(r"INTERVAL\s*=\s*[-+]?0*(?:[^0-9]|$)", re.IGNORECASE)
_READ_COMPONENTS = frozenset({"VCALENDAR", "VEVENT", "VTIMEZONE", "STANDARD", "DAYLIGHT"})
_LONG = frozenset({"DESCRIPTION", "RDATE", "EXDATE"})
_READ = _LONG | {
    "METHOD", "UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "RRULE", "SEQUENCE", "STATUS", "SUMMARY", "LOCATION",
    "ORGANIZER", "ATTENDEE", "CLASS", "RECURRENCE-ID", "TZID", "TZOFFSETFROM", "TZOFFSETTO", "X-WR-TIMEZONE",
    "LAST-MODIFIED",
}  # fmt: skip


def bound(data: bytes) -> str:
    """The calendar's text with only the lines that are read, one to a line. Raises CalendarRefused.

    Files, alarms, to-dos and what programs add for themselves are left out before any parser sees them.
    """
    if len(data) > CALENDAR_BYTES:
        raise CalendarRefused("too_large")
    text = _FOLD.sub("", data.decode("utf-8-sig", "replace").replace("\0", ""))
    lines = re.split(r"\r\n|\n|\r", text)
    if len(lines) > LINES:
        raise CalendarRefused("too_many_lines")
    return "\r\n".join(_read_lines(lines)) + "\r\n"


def _read_lines(lines: Iterable[str]) -> Iterable[str]:
    """The lines of the components that are read; checks how many there are and how deep."""
    inside: list[str] = []
    components = unread = 0
    counts: Counter[str] = Counter()
    for line in lines:
        name = _name_of(line)
        if name == "BEGIN":
            components += 1
            inside.append(line[6:].strip().upper())
            if components > COMPONENTS:
                raise CalendarRefused("too_many_components")
            if len(inside) > DEPTH:
                raise CalendarRefused("too_deep")
            unread += inside[-1] not in _READ_COMPONENTS
            if not unread:
                counts.clear()
                yield f"BEGIN:{inside[-1]}"
        elif name == "END":
            if not inside or inside[-1] != line[4:].strip().upper():
                raise CalendarRefused("broken")
            ended = inside.pop()
            if not unread:
                yield f"END:{ended}"
            unread -= ended not in _READ_COMPONENTS
        elif name in _READ and inside and not unread:
            _check(name, line, counts)
            yield line
    if inside or not components:
        raise CalendarRefused("broken")


def _name_of(line: str) -> str:
    found = _NAME.match(line)
    return found.group().upper() if found else ""


def _check(name: str, line: str, counts: Counter[str]) -> None:
    if len(line) > (LONG_CHARACTERS if name in _LONG else LINE_CHARACTERS):
        raise CalendarRefused("line_too_long")
    if name == "ATTENDEE":
        counts["people"] += 1
        if counts["people"] > PEOPLE:
            raise CalendarRefused("too_many_people")
    if name in ("RDATE", "EXDATE"):
        counts["dates"] += line.count(",") + 1
        if counts["dates"] > DATES:
            raise CalendarRefused("too_many_dates")
    if name == "RRULE":
        counts["rules"] += 1
        if counts["rules"] > 1:
            raise CalendarRefused("too_many_dates")
        _check_rule(line)


def _check_rule(line: str) -> None:
    """Nothing that comes more than once a day, or that never ends at one place."""
    if len(line) > RULE_CHARACTERS:
        raise CalendarRefused("line_too_long")
    for name, values in _PARTS.findall(line):
        is_frequent = values.strip().upper() not in FREQUENCIES if name.upper() == "FREQ" else "," in values
        if is_frequent:
            raise CalendarRefused("too_frequent")
    if _STANDSTILL.search(line):
        raise CalendarRefused("broken")
