"""Reports that come over our API: checked item by item, so that one fault refuses one item and names its place."""

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationError

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
from activity.sources.fields import (
    FILE_NAME_LENGTH,
    LINE_LENGTH,
    MOST_PEOPLE,
    REQUIRED,
    STATUS_LENGTH,
    URL_LENGTH,
    Email,
    Id,
    Line,
    MessageId,
    Model,
    People,
    PersonIn,
    Text,
    Time,
    clean,
    cut_at,
    faults_of,
    id_of,
    none_as,
    refuse_control,
)
from workspaces.models import Workspace

MOST_ITEMS = 500
LONGEST_MEETING = timedelta(days=14)
MAIL_TYPES = frozenset({Kind.SENT, Kind.RECEIVED, Kind.REPLIED, Kind.BOUNCED})

_LINK = re.compile(r"(?:https?://|mailto:|tel:)\S", re.IGNORECASE)


# --- What an item says ------------------------------------------------------------------------------------


def _link(value: str) -> str:
    if not _LINK.match(value):
        raise ValueError("This is not a link that begins with http, https, mailto or tel.")
    return value


class MessageIn(Model):
    """An e-mail, or only the `message_id` of one that was reported before."""

    message_id: MessageId | None = None
    subject: Line | None = None
    sender: PersonIn | None = Field(default=None, alias="from")
    to: Annotated[list[PersonIn], Field(max_length=MOST_PEOPLE)] | None = None
    cc: People = ()
    bcc: People = ()
    text: Text = Field(default="", description="Longer texts are cut at 32,000 characters and marked.")
    in_reply_to: MessageId | None = None
    via_touchline: Annotated[StrictBool, none_as(True)] = True


class AttendeeIn(PersonIn):
    """Who is asked to a meeting, and what they answered: the iCalendar PARTSTAT, such as `accepted`."""

    status: Annotated[str, BeforeValidator(clean), cut_at(STATUS_LENGTH), none_as("")] = ""


class MeetingIn(Model):
    """A meeting as it stands now; `uid` is its iCalendar UID. At most 14 days long."""

    uid: Annotated[str, Field(min_length=1, max_length=LINE_LENGTH), AfterValidator(refuse_control)]
    title: Annotated[Line, none_as("")] = ""
    start: Time
    end: Time
    location: Annotated[Line, none_as("")] = ""
    description: Text = ""
    organizer: PersonIn | None = None
    attendees: Annotated[list[AttendeeIn], Field(max_length=MOST_PEOPLE), none_as([])] = []


class ActivityIn(Model):
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
        Annotated[str, Field(max_length=URL_LENGTH), AfterValidator(refuse_control), AfterValidator(_link)] | None
    ) = None
    file_name: Annotated[str, BeforeValidator(clean), cut_at(FILE_NAME_LENGTH)] | None = None
    meeting: MeetingIn | None = None


class ActivitiesIn(Model):
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
        return CaptureResult(id_of(item), "rejected", errors=faults_of(error))
    faults = tuple(_missing(activity))
    if faults:
        return CaptureResult(activity.id, "rejected", errors=faults)
    return _captured(activity)


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
        sender=message.sender.person(),
        to=tuple(each.person() for each in message.to or ()),
        cc=tuple(each.person() for each in message.cc),
        bcc=tuple(each.person() for each in message.bcc),
        text=message.text[:TEXT_LIMIT],
        text_was_cut=len(message.text) > TEXT_LIMIT,
        in_reply_to=message.in_reply_to or "",
    )


def _own_message_id(source_id: str) -> str:
    """A message that came without an id is known by the report's."""
    return f"{hashlib.sha256(source_id.encode()).hexdigest()[:40]}@api.touchline.invalid"


def _meeting(meeting: MeetingIn) -> CapturedMeeting:
    return CapturedMeeting(
        uid=meeting.uid,
        title=meeting.title,
        start=meeting.start,
        end=meeting.end,
        location=meeting.location,
        description=meeting.description[:TEXT_LIMIT],
        organizer=meeting.organizer.person() if meeting.organizer else Person(""),
        attendees=tuple(Attendee(each.email, each.name, each.status.lower()) for each in meeting.attendees),
    )
