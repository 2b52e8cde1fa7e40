"""What is known of one meeting and its instances: the newest word of its organizer, and everybody's newest answer.

Pure. Learning takes the maximum of versions, so neither the order of delivery nor a second delivery matters. Who may
say what (RFC 5546 §6.1): only the organizer changes and cancels, only attendees answer for themselves. In a mail that
is told by its sender; a member's own calendar is believed.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from integrations.calendar.messages import CalendarMessage, Instance, Invited, Meeting, Moment, read_moment

SERIES = ""
"""The key of the meeting itself; an instance has its recurrence id in ISO 8601."""
MOST_EXCEPTIONS = 200
MOST_PEOPLE = 500
TEXT_LENGTH = 8_000
NOBODY_KNOWS, ANSWERED, ORGANIZED = 0, 1, 2
"""How far a description of the meeting is believed: from somebody else; from an answer; from its organizer."""
ANSWERS = frozenset({"ACCEPTED", "DECLINED", "TENTATIVE"})
NO_PERSON = frozenset({"ROOM", "RESOURCE"})

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


# --- Learning ---------------------------------------------------------------------------------------------


def learn(
    known: Knowledge, message: CalendarMessage, meeting: Meeting, own: Collection[str], *, in_calendar: bool
) -> Knowledge:
    """What is known after this was read. `own` are the member's addresses."""
    stamp = _stamp(message, meeting)
    if in_calendar:
        return _from_calendar(known, message, meeting, stamp)
    says = {"REQUEST": _from_request, "REPLY": _from_reply, "CANCEL": _from_cancellation}.get(message.method or "")
    return says(known, message.sender, meeting, stamp, own) if says and message.sender else known


def _stamp(message: CalendarMessage, meeting: Meeting) -> datetime:
    """When it was said: not later than it was seen."""
    seen = message.seen_at or datetime.now(UTC)
    return min(meeting.dtstamp or seen, seen)


def _from_calendar(known: Knowledge, message: CalendarMessage, meeting: Meeting, stamp: datetime) -> Knowledge:
    if message.method == "CANCEL":
        return _cancelled(known, meeting, stamp, ())
    known = _claimed(known, meeting, stamp, ORGANIZED, meeting.organizer)
    return _answered(known, meeting, stamp, meeting.attendees)


def _from_request(
    known: Knowledge, sender: str, meeting: Meeting, stamp: datetime, own: Collection[str]
) -> Knowledge:
    """An invitation. That we accepted is believed to nobody but ourselves."""
    organizer = meeting.organizer or Invited(sender)
    if not _speaks_for(sender, organizer, own):
        return _claimed(known, meeting, stamp, NOBODY_KNOWS, organizer)
    known = _claimed(known, meeting, stamp, ORGANIZED, organizer)
    said = [each for each in meeting.attendees if sender in own or each.address not in own]
    return _answered(known, meeting, stamp, said)


def _from_reply(known: Knowledge, sender: str, meeting: Meeting, stamp: datetime, own: Collection[str]) -> Knowledge:
    said = [each for each in meeting.attendees if _speaks_for(sender, each, own)]
    organizer = meeting.organizer
    if said and organizer and (organizer.address in own or sender in own):
        known = _claimed(known, replace(meeting, status=""), stamp, ANSWERED, organizer)
    return _answered(known, meeting, stamp, said)


def _from_cancellation(
    known: Knowledge, sender: str, meeting: Meeting, stamp: datetime, own: Collection[str]
) -> Knowledge:
    if not _speaks_for(sender, meeting.organizer or Invited(sender), own):
        return known
    return _cancelled(known, meeting, stamp, tuple(each.address for each in meeting.attendees))


def _speaks_for(sender: str, person: Invited, own: Collection[str]) -> bool:
    """Whether the sender is the person, or acts for them within their own domain."""
    if sender == person.address or (sender in own and person.address in own):
        return True
    return sender == person.sent_by and _domain(sender) == _domain(person.address)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _key(meeting: Meeting) -> str:
    return meeting.recurrence_id.isoformat() if meeting.recurrence_id else SERIES


def _claimed(known: Knowledge, meeting: Meeting, stamp: datetime, rank: int, organizer: Invited | None) -> Knowledge:
    if meeting.start is None or meeting.end is None:
        return known
    shown = not meeting.is_private
    claim = Claim(
        rank=rank,
        sequence=meeting.sequence,
        stamp=stamp,
        start=meeting.start,
        end=meeting.end,
        summary=meeting.summary if shown else "",
        location=meeting.location if shown else "",
        description=meeting.description[:TEXT_LENGTH] if shown else "",
        is_off=meeting.status == "CANCELLED",
        and_future=meeting.and_future,
        organizer=organizer,
        attendees=tuple(_asked(each) for each in meeting.attendees[:MOST_PEOPLE] if each.cutype not in NO_PERSON),
        recurs=meeting.recurs,
        instances=meeting.instances,
    )
    key = _key(meeting)
    if meeting.is_private:
        known = _marked(known, key, Mark(meeting.sequence, stamp))
    before = known.claims.get(key)
    if (before and _order(before) >= _order(claim)) or _is_full(known.claims, key):
        return known
    return replace(known, claims=known.claims | {key: claim})


def _marked(known: Knowledge, key: str, mark: Mark) -> Knowledge:
    before = known.marks.get(key)
    if (before and (before.sequence, before.stamp) >= (mark.sequence, mark.stamp)) or _is_full(known.marks, key):
        return known
    return replace(known, marks=known.marks | {key: mark})


def _asked(person: Invited) -> Invited:
    """Who is asked; what they answered is kept apart."""
    return Invited(person.address, person.name)


def _order(claim: Claim) -> tuple[Version, bool, str, str]:
    """Two claims of one version: what was called off stays so, else any order, but always the same; of two readings
    of one claim the later counts, for it saw further.
    """
    content = json.dumps(asdict(replace(claim, instances=())), default=_to_json, sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return claim.version, claim.is_off, digest, claim.instances[-1].start.isoformat() if claim.instances else ""


def _cancelled(known: Knowledge, meeting: Meeting, stamp: datetime, addresses: tuple[str, ...]) -> Knowledge:
    said = Cancellation(meeting.sequence, stamp, meeting.and_future, tuple(sorted(addresses[:MOST_PEOPLE])))
    key = _key(meeting)
    before = known.cancellations.get(key)
    order = (said.version, said.and_future, said.addresses)
    if before and (before.version, before.and_future, before.addresses) >= order:
        return known
    if _is_full(known.cancellations, key):
        return known
    return replace(known, cancellations=known.cancellations | {key: said})


def _answered(known: Knowledge, meeting: Meeting, stamp: datetime, people: Collection[Invited]) -> Knowledge:
    key = _key(meeting)
    answers = dict(known.answers.get(key, {}))
    for person in people:
        said = Answer(meeting.sequence, stamp, person.partstat)
        before = answers.get(person.address)
        if said.partstat in ANSWERS and (before is None or answer_order(before) < answer_order(said)):
            answers[person.address] = said
    if not answers or answers == known.answers.get(key) or len(answers) > MOST_PEOPLE:
        return known
    return known if _is_full(known.answers, key) else replace(known, answers=known.answers | {key: answers})


def answer_order(answer: Answer) -> tuple[int, datetime, str]:
    """The later of two answers is the greater one."""
    return answer.sequence, answer.stamp, answer.partstat


def _is_full(by_key: dict[str, Any], key: str) -> bool:
    return key not in by_key and len(by_key) > MOST_EXCEPTIONS


# --- Keeping ----------------------------------------------------------------------------------------------


def to_json(known: Knowledge) -> dict[str, Any]:
    """As JSON values, times as ISO 8601."""
    return json.loads(json.dumps(asdict(known), default=_to_json))


def _to_json(value: date) -> str:
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
