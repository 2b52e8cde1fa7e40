"""What compose takes and gives: an activity as its owner sees it, the org's describe, and a record. Values only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from activity.models import BodyChoice, Kind
from activity.pipeline.captured import Person


class Status(Protocol):
    """A value of Task.Status."""

    value: str
    is_closed: bool


class FieldLike(Protocol):
    """What the describe says of one field."""

    length: int
    createable: bool
    updateable: bool
    filterable: bool
    restricted: bool
    picklist: tuple[str, ...]


class Describe(Protocol):
    """What the describe says of Task or Event."""

    fields: Mapping[str, FieldLike]


class Schema(Protocol):
    """The org's Task or Event as one user may write it."""

    describe: Describe
    statuses: Iterable[Status]


@dataclass(frozen=True, slots=True)
class MeetingDraft:
    """A meeting as last reported; times aware."""

    title: str
    start: datetime
    end: datetime
    location: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One activity as its owner sees it, towards one outside address. `occurred_at` is aware."""

    kind: Kind
    key: str
    occurred_at: datetime
    time_zone: str
    owner_id: str
    recipient: str = ""
    subject: str = ""
    is_reply: bool = False
    sender: Person | None = None
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    text: str = field(default="", repr=False)
    text_was_cut: bool = False
    url: str = ""
    file_name: str = ""
    meeting: MeetingDraft | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """What a role's settings and the org say about how records look."""

    subject_templates: Mapping[str, str] = field(default_factory=dict)
    body: BodyChoice = BodyChoice.FIRST_LINES
    use_call_object: bool = True


@dataclass(frozen=True, slots=True)
class Composed:
    """A record ready to send, `attributes` first, and the names of fields that were left out."""

    record: dict[str, Any]
    left_out: tuple[str, ...] = ()
