"""What every source hands to capture: validated values. Addresses are lower case, times are aware and in UTC."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from activity.models import Kind
from activity.pipeline.text import as_id

TEXT_LIMIT = 32_000
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Person:
    """An address, lower case with its domain in ASCII, and the name that stood beside it."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who is asked to a meeting, and what they answered (iCalendar PARTSTAT, lower case)."""

    email: str
    name: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class CapturedMessage:
    """An e-mail. `message_id` and `in_reply_to` stand without angle brackets; `text` is at most TEXT_LIMIT long."""

    message_id: str
    subject: str
    sender: Person
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    text: str = field(default="", repr=False)
    text_was_cut: bool = False
    in_reply_to: str = ""

    def __post_init__(self) -> None:
        _shorten_ids(self, "message_id", "in_reply_to")

    @property
    def recipients(self) -> tuple[Person, ...]:
        """Everybody it was sent to, in header order."""
        return self.to + self.cc + self.bcc


@dataclass(frozen=True, slots=True)
class CapturedMeeting:
    """A meeting as it was reported; `start` and `end` in UTC."""

    uid: str
    title: str
    start: datetime
    end: datetime
    location: str = ""
    description: str = ""
    organizer: Person = Person("")
    attendees: tuple[Attendee, ...] = ()

    def __post_init__(self) -> None:
        _shorten_ids(self, "uid")


@dataclass(frozen=True, slots=True)
class Captured:
    """One thing that happened.

    `user` is the address of the member whom it happened to. Exactly one of `message`, `known_message_id` (a message
    that was reported before) and `meeting` is set. `path` is where the source found the message or meeting, for the
    texts of refusals. `by_machine`: a program opened it by itself, nobody read it. `own_addresses` are the
    member's beside those that are verified here: for this report they are not outside.
    """

    source_id: str
    user: str
    kind: Kind
    occurred_at: datetime
    message: CapturedMessage | None = None
    known_message_id: str = ""
    meeting: CapturedMeeting | None = None
    recipient: str = ""
    url: str = ""
    file_name: str = ""
    via_touchline: bool = True
    by_machine: bool = False
    own_addresses: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        _shorten_ids(self, "known_message_id")

    @property
    def message_id(self) -> str:
        """The Message-ID that it is about; empty for a meeting."""
        return self.message.message_id if self.message else self.known_message_id

    def digest(self) -> str:
        """SHA-256 of the content, the source's id left out: equal for two reports of the same thing."""
        content = [
            self.user, self.kind.value, _text(self.occurred_at), _message_content(self.message),
            self.known_message_id, _meeting_content(self.meeting), self.recipient, self.url, self.file_name,
            self.via_touchline, *(["machine"] if self.by_machine else []),
        ]  # fmt: skip
        return hashlib.sha256(_encode(content).encode()).hexdigest()


def _shorten_ids(value: object, *names: str) -> None:
    """Ids that no index takes would refuse a whole batch, and the next one that has them, for ever."""
    for name in names:
        before = getattr(value, name)
        after = as_id(before)
        if after is not before:
            object.__setattr__(value, name, after)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _people(people: tuple[Person, ...]) -> list[list[str]]:
    return [[person.email, person.name] for person in people]


def _message_content(message: CapturedMessage | None) -> list[object] | None:
    if message is None:
        return None
    return [
        message.message_id, message.subject, _people((message.sender,)), _people(message.to),
        _people(message.cc), _people(message.bcc), message.text, message.text_was_cut, message.in_reply_to,
    ]  # fmt: skip


def _meeting_content(meeting: CapturedMeeting | None) -> list[object] | None:
    if meeting is None:
        return None
    return [
        meeting.uid, meeting.title, _text(meeting.start), _text(meeting.end), meeting.location,
        meeting.description, _people((meeting.organizer,)),
        [[attendee.email, attendee.name, attendee.status] for attendee in meeting.attendees],
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a report was refused: where (`message.to[0].email`) and what, for the person who reads the answer."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """What became of one report: `accepted`, `duplicate` (with the first report's activity) or `rejected`."""

    source_id: str | None
    status: str
    activity: str | None = None
    errors: tuple[Fault, ...] = ()
