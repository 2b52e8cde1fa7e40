"""Reports that come over our API: checked item by item, so that one fault refuses one item and names its place."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    WithJsonSchema,
)

from activity.models import Kind, Source
from activity.pipeline.capture import capture
from activity.pipeline.captured import (
    TEXT_LIMIT,
    Attendee,
    Captured,
    CapturedMeeting,
    CapturedMessage,
    CaptureResult,
    Fault,
    Person,
)
from activity.pipeline.text import without_control
from activity.sources.addresses import normalize_address
from workspaces.models import Workspace

MOST_ITEMS = 500
MOST_PEOPLE = 500
LONGEST_MEETING = timedelta(days=14)
FIRST_YEAR, LAST_YEAR = 1970, 2199
LINE_LENGTH, NAME_LENGTH, FILE_NAME_LENGTH, URL_LENGTH, STATUS_LENGTH = 998, 200, 255, 2_000, 40
MAIL_TYPES = frozenset({Kind.SENT, Kind.RECEIVED, Kind.REPLIED, Kind.BOUNCED})
REQUIRED = "This is required."

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_MESSAGE_ID = re.compile(r"<([^<>]+)>")
_LINK = re.compile(r"(?:https?://|mailto:|tel:)\S", re.IGNORECASE)


# --- Kinds of values --------------------------------------------------------------------------------------


def _parse_time(value: Any) -> datetime:
    """RFC 3339 with an offset, as a time in UTC between the years 1970 and 2199."""
    if not isinstance(value, str) or not _RFC_3339.match(value):
        raise ValueError("Write the time as in RFC 3339, with its offset: 2026-11-23T09:30:00+01:00.")
    try:
        moment = datetime.fromisoformat(value.upper().replace(" ", "T")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("There is no such time.") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
    return moment


def _refuse_control(value: str) -> str:
    if any(character < " " or character == "\x7f" for character in value):
        raise ValueError("Control characters are not allowed here.")
    return value


def _clean(value: Any) -> Any:
    """Text as it can be stored: NUL and half surrogates are left out."""
    return without_control(value) if isinstance(value, str) else value


def _message_id(value: str) -> str:
    """A Message-ID without its angle brackets; the first one where several stand."""
    found = _MESSAGE_ID.search(value)
    bare = (found.group(1) if found else value).strip(" <>")
    if not bare:
        raise ValueError("This is not a Message-ID.")
    return bare[:LINE_LENGTH]


def _link(value: str) -> str:
    if not _LINK.match(value):
        raise ValueError("This is not a link that begins with http, https, mailto or tel.")
    return value


def _none_as(default: Any) -> BeforeValidator:
    """`null` means the same as leaving the field out."""
    return BeforeValidator(lambda value: default if value is None else value)


def _cut(length: int) -> AfterValidator:
    return AfterValidator(lambda value: value[:length])


Time = Annotated[
    datetime,
    BeforeValidator(_parse_time),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339 with an offset"}),
]
Email = Annotated[
    str,
    Field(max_length=320),
    AfterValidator(normalize_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 320}),
]
Id = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_refuse_control)]
MessageId = Annotated[
    str, Field(min_length=1, max_length=2 * LINE_LENGTH), AfterValidator(_refuse_control), AfterValidator(_message_id)
]
Line = Annotated[str, BeforeValidator(_clean), _cut(LINE_LENGTH)]
Name = Annotated[str, BeforeValidator(_clean), _cut(NAME_LENGTH), _none_as("")]
Text = Annotated[str, BeforeValidator(_clean), _none_as("")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=False)


class PersonIn(_Model):
    """An address and the name that stood beside it."""

    email: Email
    name: Name = ""


People = Annotated[list[PersonIn], Field(max_length=MOST_PEOPLE), _none_as([])]


class MessageIn(_Model):
    """An e-mail, or only the `message_id` of one that was reported before."""

    message_id: MessageId | None = None
    subject: Line | None = None
    sender: PersonIn | None = Field(default=None, alias="from")
    to: Annotated[list[PersonIn], Field(max_length=MOST_PEOPLE)] | None = None
    cc: People = []
    bcc: People = []
    text: Text = Field(default="", description="Longer texts are cut at 32,000 characters and marked.")
    in_reply_to: MessageId | None = None
    via_touchline: Annotated[StrictBool, _none_as(True)] = True


class AttendeeIn(PersonIn):
    """Who is asked to a meeting, and what they answered: the iCalendar PARTSTAT, such as `accepted`."""

    status: Annotated[str, BeforeValidator(_clean), _cut(STATUS_LENGTH), _none_as("")] = ""


class MeetingIn(_Model):
    """A meeting as it stands now; `uid` is its iCalendar UID. At most 14 days long."""

    uid: Annotated[str, Field(min_length=1, max_length=LINE_LENGTH), AfterValidator(_refuse_control)]
    title: Annotated[Line, _none_as("")] = ""
    start: Time
    end: Time
    location: Annotated[Line, _none_as("")] = ""
    description: Text = ""
    organizer: PersonIn | None = None
    attendees: Annotated[list[AttendeeIn], Field(max_length=MOST_PEOPLE), _none_as([])] = []


class ActivityIn(_Model):
    """One thing that happened.

    sent, received, replied and bounced need a message with from, to and subject; opened, clicked (with url) and
    downloaded (with file_name) the message_id of a known message or the message itself; meetings the meeting.
    """

    id: Id = Field(description="Your own id, unique in the workspace: the same one again is a duplicate.")
    user: Email = Field(description="A verified address of a member.")
    type: Literal[
        "sent",
        "received",
        "replied",
        "opened",
        "clicked",
        "downloaded",
        "bounced",
        "meeting_confirmed",
        "meeting_canceled",
    ]
    occurred_at: Time
    message: MessageIn | None = None
    recipient: Email | None = Field(default=None, description="Who opened, clicked or replied, where it is known.")
    url: (
        Annotated[str, Field(max_length=URL_LENGTH), AfterValidator(_refuse_control), AfterValidator(_link)] | None
    ) = None
    file_name: Annotated[str, BeforeValidator(_clean), _cut(FILE_NAME_LENGTH)] | None = None
    meeting: MeetingIn | None = None


class ActivitiesIn(_Model):
    """The body of a request."""

    activities: list[ActivityIn] = Field(min_length=1, max_length=MOST_ITEMS)


# --- From items to results --------------------------------------------------------------------------------


def accept(workspace: Workspace, items: Sequence[Any]) -> list[CaptureResult]:
    """Check and capture parsed JSON items; one result each, in their order. "Accepted" is true when this returns."""
    read = [read_item(item) for item in items]
    good = [each for each in read if isinstance(each, Captured)]
    captured = iter(capture(workspace, Source.API, good))
    return [each if isinstance(each, CaptureResult) else next(captured) for each in read]


def read_item(item: Any) -> Captured | CaptureResult:
    """The value that an item says, or its refusal with every fault that was found."""
    try:
        activity = ActivityIn.model_validate(item)
    except ValidationError as error:
        faults = tuple(_fault(each) for each in error.errors(include_url=False, include_input=False))
        return CaptureResult(_id_of(item), "rejected", errors=faults)
    faults = tuple(_missing(activity))
    if faults:
        return CaptureResult(activity.id, "rejected", errors=faults)
    return _captured(activity)


def _id_of(item: Any) -> str | None:
    """The id to answer with: as it was sent, when it is text."""
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else None


_PLAIN_WORDS = {
    "missing": REQUIRED,
    "string_type": "This must be text.",
    "string_unicode": "This text has half a character in it (a lone surrogate).",
    "list_type": "This must be a list.",
    "bool_type": "This must be true or false.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "string_too_short": "This must not be empty.",
}


def _fault(error: Any) -> Fault:
    return Fault(_path(error["loc"]), _words(error))


def _words(error: Any) -> str:
    limits = error.get("ctx", {})
    if error["type"] == "string_too_long":
        return f"At most {limits['max_length']} characters."
    if error["type"] == "too_long":
        return f"At most {limits['max_length']} entries."
    return _PLAIN_WORDS.get(error["type"]) or str(error["msg"]).removeprefix("Value error, ")


def _path(place: Sequence[int | str]) -> str:
    """`message.to[0].email`; empty for the item itself."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return path.removeprefix(".")


def _missing(activity: ActivityIn) -> list[Fault]:
    """What the type needs and the item does not have."""
    kind = Kind(activity.type)
    if kind.is_meeting:
        return _missing_of_meeting(activity.meeting)
    faults = _missing_of_message(activity.message, kind)
    if kind == Kind.CLICKED and not activity.url:
        faults.append(Fault("url", REQUIRED))
    if kind == Kind.DOWNLOADED and not activity.file_name:
        faults.append(Fault("file_name", REQUIRED))
    return faults


def _missing_of_meeting(meeting: MeetingIn | None) -> list[Fault]:
    if meeting is None:
        return [Fault("meeting", REQUIRED)]
    if meeting.end < meeting.start:
        return [Fault("meeting.end", "A meeting cannot end before it begins.")]
    if meeting.end - meeting.start > LONGEST_MEETING:
        return [Fault("meeting.end", "A meeting may last 14 days at most.")]
    return []


def _missing_of_message(message: MessageIn | None, kind: Kind) -> list[Fault]:
    if message is None:
        return [Fault("message", REQUIRED)]
    if kind not in MAIL_TYPES and message.sender is None:
        return [] if message.message_id else [Fault("message.message_id", REQUIRED)]
    needed = {"from": message.sender, "to": message.to, "subject": message.subject}
    faults = [Fault(f"message.{name}", REQUIRED) for name, value in needed.items() if value is None]
    if (
        not faults
        and kind not in (Kind.RECEIVED, Kind.REPLIED)
        and not [*(message.to or ()), *message.cc, *message.bcc]
    ):
        faults.append(Fault("message.to", "At least one recipient is required."))
    return faults


def _captured(activity: ActivityIn) -> Captured:
    kind = Kind(activity.type)
    message = None if kind.is_meeting else _message(activity)
    known = activity.message.message_id if activity.message and not kind.is_meeting and message is None else None
    return Captured(
        source_id=activity.id,
        user=activity.user,
        kind=kind,
        occurred_at=activity.occurred_at,
        message=message,
        known_message_id=known or "",
        meeting=_meeting(activity.meeting) if activity.meeting and kind.is_meeting else None,
        recipient=activity.recipient or "",
        url=(activity.url or "") if kind == Kind.CLICKED else "",
        file_name=(activity.file_name or "") if kind == Kind.DOWNLOADED else "",
        via_touchline=activity.message.via_touchline if activity.message else True,
    )


def _message(activity: ActivityIn) -> CapturedMessage | None:
    """The message itself, when it was sent along."""
    message = activity.message
    if message is None or message.sender is None:
        return None
    return CapturedMessage(
        message_id=message.message_id or _own_message_id(activity.id),
        subject=message.subject or "",
        sender=_person(message.sender),
        to=tuple(map(_person, message.to or ())),
        cc=tuple(map(_person, message.cc)),
        bcc=tuple(map(_person, message.bcc)),
        text=message.text[:TEXT_LIMIT],
        text_was_cut=len(message.text) > TEXT_LIMIT,
        in_reply_to=message.in_reply_to or "",
    )


def _own_message_id(source_id: str) -> str:
    """A message that came without an id is known by the report's."""
    return f"{hashlib.sha256(source_id.encode()).hexdigest()[:40]}@api.touchline.invalid"


def _person(person: PersonIn) -> Person:
    return Person(person.email, person.name)


def _meeting(meeting: MeetingIn) -> CapturedMeeting:
    return CapturedMeeting(
        uid=meeting.uid,
        title=meeting.title,
        start=meeting.start,
        end=meeting.end,
        location=meeting.location,
        description=meeting.description[:TEXT_LIMIT],
        organizer=_person(meeting.organizer) if meeting.organizer else Person(""),
        attendees=tuple(Attendee(each.email, each.name, each.status.lower()) for each in meeting.attendees),
    )
