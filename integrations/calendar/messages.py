"""What was read of a calendar: values without any parser behind them, as they come out of the bounded subprocess."""

import dataclasses
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Moment = datetime | date
"""A time in UTC, or a day of an all-day meeting."""

REFUSALS = {
    "too_large": "The calendar is larger than 1 MB.",
    "too_many_components": "It has more than 1,000 entries.",
    "too_deep": "Its entries are nested more than 5 levels deep.",
    "too_many_people": "A meeting names more than 500 people.",
    "too_many_dates": "A meeting lists more than 2,000 dates.",
    "too_many_lines": "It has more than 20,000 lines.",
    "line_too_long": "One of its lines is too long.",
    "too_frequent": "A meeting is repeated more often than daily.",
    "too_costly": "Reading it took more time or memory than one calendar may take.",
    "broken": "It is damaged or not a calendar.",
}
"""Why a calendar is not read, for people."""


class CalendarRefused(Exception):
    """A calendar that is not read any further; `reason` is a key of REFUSALS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Invited:
    """An attendee or the organizer. `address` is lower case; the words of iCalendar are upper case.

    `sent_by` is who acts for them; `cutype` tells people from rooms.
    """

    address: str
    name: str = ""
    partstat: str = ""
    role: str = ""
    cutype: str = "INDIVIDUAL"
    sent_by: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """One time of a recurring meeting; `recurrence_id` is the start that the rule gives it."""

    recurrence_id: Moment
    start: Moment
    end: Moment


@dataclass(frozen=True, slots=True)
class Meeting:
    """One VEVENT. Times are UTC; a day stands for an all-day meeting, whose `end` is the day after its last.

    `start` and `end` are None where it gives none, as answers and cancellations may. `recurs`: it has a rule or more
    dates; `instances` are then the next ones. `and_future`: said of this instance and all later ones.
    """

    uid: str
    recurrence_id: Moment | None = None
    and_future: bool = False
    sequence: int = 0
    dtstamp: datetime | None = None
    summary: str = ""
    location: str = ""
    description: str = field(default="", repr=False)
    start: Moment | None = None
    end: Moment | None = None
    status: str = ""
    is_private: bool = False
    organizer: Invited | None = None
    attendees: tuple[Invited, ...] = ()
    recurs: bool = False
    instances: tuple[Instance, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarMessage:
    """A calendar: what it wants (REQUEST, REPLY, CANCEL, …; None for a calendar's own entry) and its meetings.

    `sender` is the address that sent it, lower case, to be set by who got it; `seen_at` when it was got, UTC.
    """

    method: str | None = None
    meetings: tuple[Meeting, ...] = ()
    sender: str = ""
    seen_at: datetime | None = None


def from_json(value: dict[str, Any]) -> CalendarMessage:
    """What `dataclasses.asdict` made, after JSON with times as ISO 8601."""
    meetings = tuple(_meeting(each) for each in value["meetings"])
    return CalendarMessage(value["method"], meetings)


def _meeting(value: dict[str, Any]) -> Meeting:
    known = {each.name: value[each.name] for each in dataclasses.fields(Meeting)}
    stamp, organizer = known["dtstamp"], known["organizer"]
    return Meeting(
        **known
        | {name: read_moment(known[name]) for name in ("recurrence_id", "start", "end")}
        | {
            "dtstamp": datetime.fromisoformat(stamp) if stamp else None,
            "organizer": Invited(**organizer) if organizer else None,
            "attendees": tuple(Invited(**each) for each in known["attendees"]),
            "instances": tuple(
                Instance(**{name: read_moment(moment) for name, moment in each.items()})
                for each in known["instances"]
            ),
        }
    )


def _instance(value: dict[str, str]) -> Instance:
    return Instance(**{name: read_moment(moment) for name, moment in value.items()})


def read_moment(text: str | None) -> Any:
    """A time or a day of its ISO 8601 text; None of None."""
    if text is None:
        return None
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
