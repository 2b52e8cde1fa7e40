"""What is known of one meeting and its instances: the newest word of its organizer, and everybody's newest answer.

Pure; learning.py makes it.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from integrations.calendar.messages import Instance, Invited, Moment, read_moment

SERIES = ""
"""The key of the meeting itself; an instance has its recurrence id in ISO 8601."""
NOBODY_KNOWS, ANSWERED, ORGANIZED = 0, 1, 2
"""How far a description of the meeting is believed: from somebody else; from an answer; from its organizer."""

Version = tuple[int, int, datetime]
"""Rank, SEQUENCE, DTSTAMP: the greater one holds (RFC 5546 §2.1.5)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The meeting as somebody described it; of a private one nothing but its time."""

    rank: int
    sequence: int
    stamp: datetime
    start: Moment
    end: Moment
    summary: str = ""
    location: str = ""
    description: str = field(default="", repr=False)
    is_off: bool = False
    and_future: bool = False
    organizer: Invited | None = None
    attendees: tuple[Invited, ...] = ()
    recurs: bool = False
    instances: tuple[Instance, ...] = ()

    @property
    def version(self) -> Version:
        """What its age is told by."""
        return self.rank, self.sequence, self.stamp


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The organizer's word that it does not take place; with `addresses`, perhaps for these only."""

    sequence: int
    stamp: datetime
    and_future: bool = False
    addresses: tuple[str, ...] = ()

    @property
    def version(self) -> Version:
        """What its age is told by."""
        return ORGANIZED, self.sequence, self.stamp


@dataclass(frozen=True, slots=True)
class Mark:
    """That somebody marked it as private."""

    sequence: int
    stamp: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered: ACCEPTED, DECLINED or TENTATIVE."""

    sequence: int
    stamp: datetime
    partstat: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything that counts of one meeting, by SERIES or the key of an instance; answers by address within.

    `marks` are the newest by which it was called private: answers to a private meeting do not say that it is.
    """

    claims: dict[str, Claim] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    cancellations: dict[str, Cancellation] = field(default_factory=dict)
    answers: dict[str, dict[str, Answer]] = field(default_factory=dict)

    @property
    def newest(self) -> datetime | None:
        """The time of the newest thing that is known."""
        answers = [answer for each in self.answers.values() for answer in each.values()]
        return max(
            (each.stamp for each in [*self.claims.values(), *self.cancellations.values(), *answers]), default=None
        )

    @property
    def addresses(self) -> set[str]:
        """Everybody who is named as organizer or attendee."""
        return {
            each.address for claim in self.claims.values() for each in [*claim.attendees, claim.organizer] if each
        }

    def is_private(self, key: str) -> bool:
        """Whether it, or the series that it is of, is private: until its organizer's newer word does not say so."""
        return any(self._is_marked(each) for each in {key, SERIES})

    def _is_marked(self, key: str) -> bool:
        claim, mark = self.claims.get(key), self.marks.get(key)
        if mark is None:
            return False
        return claim is None or claim.rank < ORGANIZED or (claim.sequence, claim.stamp) <= (mark.sequence, mark.stamp)


def answer_order(answer: Answer) -> tuple[int, datetime, str]:
    """The later of two answers is the greater one."""
    return answer.sequence, answer.stamp, answer.partstat


# --- Keeping ----------------------------------------------------------------------------------------------


def to_json(known: Knowledge) -> dict[str, Any]:
    """As JSON values, times as ISO 8601."""
    return json.loads(json.dumps(asdict(known), default=plain))


def plain(value: date) -> str:
    """A time or a day as ISO 8601, for what JSON cannot hold."""
    return value.isoformat()


def from_json(value: dict[str, Any]) -> Knowledge:
    """What `to_json` made; an empty dict is an empty Knowledge."""
    return Knowledge(
        claims={key: _claim(each) for key, each in value.get("claims", {}).items()},
        marks={key: Mark(each["sequence"], _time(each)) for key, each in value.get("marks", {}).items()},
        cancellations={
            key: Cancellation(**each | {"stamp": _time(each), "addresses": tuple(each["addresses"])})
            for key, each in value.get("cancellations", {}).items()
        },
        answers={
            key: {address: Answer(**each | {"stamp": _time(each)}) for address, each in of.items()}
            for key, of in value.get("answers", {}).items()
        },
    )


def _time(value: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(value["stamp"])


def _claim(value: dict[str, Any]) -> Claim:
    instances = ({name: read_moment(moment) for name, moment in each.items()} for each in value["instances"])
    return Claim(
        **value
        | {
            "stamp": _time(value),
            "start": read_moment(value["start"]),
            "end": read_moment(value["end"]),
            "organizer": Invited(**value["organizer"]) if value["organizer"] else None,
            "attendees": tuple(Invited(**each) for each in value["attendees"]),
            "instances": tuple(Instance(**each) for each in instances),
        }
    )
