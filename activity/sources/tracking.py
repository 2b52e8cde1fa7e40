"""Messages that are registered before they are sent: their HTML comes back with a pixel and links through us.

Registering makes the message known and reports nothing as sent: whoever sends it does that, or the mailbox sees it.
The HTML is not kept. The same id with the same content gets the same answer again, with the same addresses.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from activity.models import Message, Participant, ParticipantRole, TrackedCopy, TrackedMessage
from activity.pipeline.capture import OTHER_CONTENT, UNKNOWN_MEMBER
from activity.pipeline.captured import Fault
from activity.sources.fields import (
    FILE_NAME_LENGTH,
    MOST_PEOPLE,
    Email,
    Id,
    Line,
    MessageId,
    Model,
    People,
    PersonIn,
    clean,
    cut_at,
    faults_of,
    id_of,
    none_as,
)
from activity.tracking.rewriting import Template, read_template
from activity.tracking.targets import NOT_A_TARGET, read_target
from activity.tracking.tokens import MOST_TARGETS, Purpose, make_token, new_key, new_lookup
from workspaces.ids import uuid7
from workspaces.members import find_members
from workspaces.models import Membership, Workspace

MOST_MESSAGES = 20
MOST_FILES = 50
LONGEST_HTML = 1_000_000
LONGEST_ANSWER = 2_000_000
NO_RECIPIENT = "At least one recipient is required."
TOO_MUCH = f"All copies together may have {LONGEST_ANSWER:,} characters: register fewer recipients at a time."


# --- What an item says ------------------------------------------------------------------------------------


def _target(value: str) -> str:
    target = read_target(value)
    if target is None:
        raise ValueError(NOT_A_TARGET)
    return target


class OutgoingIn(Model):
    """The e-mail that is about to be sent. Without a `message_id` it gets one: send it with that."""

    sender: PersonIn = Field(alias="from")
    to: Annotated[list[PersonIn], Field(max_length=MOST_PEOPLE)]
    cc: People = []
    bcc: People = []
    subject: Line
    message_id: MessageId | None = None

    @property
    def recipients(self) -> list[str]:
        """Everybody whom it goes to, each once."""
        return list(dict.fromkeys(each.email for each in (*self.to, *self.cc, *self.bcc)))


class FileIn(Model):
    """A file that the message offers for download, and where it lies."""

    name: Annotated[str, Field(min_length=1), BeforeValidator(clean), cut_at(FILE_NAME_LENGTH)]
    url: Annotated[str, AfterValidator(_target)]


class MessageToTrackIn(Model):
    """A message about to be sent. Links in `html` to a file's address count as downloads."""

    id: Id = Field(description="Your own id, unique in the workspace: the same one again gets the same answer.")
    user: Email = Field(description="A verified address of a member.")
    message: OutgoingIn
    html: Annotated[str, Field(min_length=1, max_length=LONGEST_HTML)]
    files: Annotated[list[FileIn], Field(max_length=MOST_FILES), none_as([])] = []
    pixel: Annotated[
        Literal["one", "per_recipient"],
        none_as("one"),
        Field(description="One copy for all, or a copy for each recipient, so that it is known who opened it."),
    ] = "one"

    def digest(self) -> str:
        """SHA-256 of the content, the id left out."""
        content = self.model_dump(mode="json", exclude={"id"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class MessagesIn(Model):
    """The body of a request."""

    messages: list[MessageToTrackIn] = Field(min_length=1, max_length=MOST_MESSAGES)


# --- What comes back --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Copy:
    """The HTML to send, and the download address of each file by its name, in their order.

    `recipient` is empty where one copy is for all.
    """

    recipient: str
    html: str
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of one message: its copies, or why it was refused."""

    source_id: str | None
    message_id: str = ""
    copies: tuple[Copy, ...] = ()
    errors: tuple[Fault, ...] = ()


def register(workspace: Workspace, items: Sequence[Any]) -> list[Registered]:
    """Check parsed JSON items and register them; one result each, in their order."""
    read = [_read(item) for item in items]
    owners = find_members(workspace, {each.user for each in read if isinstance(each, MessageToTrackIn)})
    return [
        each if isinstance(each, Registered) else _register(workspace, owners.get(each.user), each) for each in read
    ]


def _read(item: Any) -> MessageToTrackIn | Registered:
    try:
        wanted = MessageToTrackIn.model_validate(item)
    except ValidationError as error:
        return Registered(id_of(item), errors=faults_of(error))
    count = len(wanted.message.recipients)
    if not count:
        return _refuse(wanted, "message.to", NO_RECIPIENT)
    if wanted.pixel == "per_recipient" and count * len(wanted.html) > LONGEST_ANSWER:
        return _refuse(wanted, "html", TOO_MUCH)
    return wanted


def _refuse(wanted: MessageToTrackIn, path: str, message: str) -> Registered:
    return Registered(wanted.id, errors=(Fault(path, message),))


def _register(workspace: Workspace, owner: Membership | None, wanted: MessageToTrackIn) -> Registered:
    if owner is None:
        return _refuse(wanted, "user", UNKNOWN_MEMBER)
    files = {file.url: file.name for file in wanted.files}
    template = read_template(wanted.html, most=MOST_TARGETS - len(files), is_ours=_is_ours)
    tracked = _find(workspace, wanted.id)
    if tracked is None:
        try:
            with transaction.atomic():
                tracked = _write(owner, wanted, _targets(template, files))
        except IntegrityError:  # registered by another request at the same time
            tracked = _find(workspace, wanted.id)
    if tracked is None or tracked.digest != wanted.digest():
        return _refuse(wanted, "id", OTHER_CONTENT)
    copies = tuple(_fill(copy, template, tracked.targets, wanted.files) for copy in tracked.copies.order_by("pk"))
    return Registered(wanted.id, tracked.message.message_id, copies)


def _is_ours(target: str) -> bool:
    """Whether the link leads through us already, as in a quoted message."""
    return target.startswith(f"{settings.BASE_URL}/t/")


def _targets(template: Template, files: Mapping[str, str]) -> list[dict[str, str]]:
    """What the message's tokens lead to, by position: the files first, then the other links."""
    links = [target for target in template.targets if target not in files]
    return [{"url": url, "file": name} for url, name in files.items()] + [{"url": url, "file": ""} for url in links]


def _find(workspace: Workspace, source_id: str) -> TrackedMessage | None:
    return TrackedMessage.objects.select_related("message").filter(workspace=workspace, source_id=source_id).first()


def _write(owner: Membership, wanted: MessageToTrackIn, targets: list[dict[str, str]]) -> TrackedMessage:
    now = timezone.now()
    tracked = TrackedMessage.objects.create(
        workspace=owner.workspace,
        owner=owner,
        message=_know(owner.workspace, wanted.message),
        source_id=wanted.id,
        digest=wanted.digest(),
        targets=targets,
        registered_at=now,
        expires_at=now + timedelta(days=settings.TRACKING_DAYS),
    )
    recipients = wanted.message.recipients if wanted.pixel == "per_recipient" else [""]
    TrackedCopy.objects.bulk_create(
        TrackedCopy(tracked=tracked, recipient=each, lookup=new_lookup(), key=new_key()) for each in recipients
    )
    return tracked


def _know(workspace: Workspace, outgoing: OutgoingIn) -> Message:
    """The message on file; what is known of one already stays as it is."""
    message_id = outgoing.message_id or f"{uuid7().hex}@{urlsplit(settings.BASE_URL).hostname}"
    message, is_new = Message.objects.get_or_create(
        workspace=workspace, message_id=message_id, defaults={"subject": outgoing.subject}
    )
    if is_new:
        Participant.objects.bulk_create(_participants(message, outgoing), ignore_conflicts=True)
    return message


def _participants(message: Message, outgoing: OutgoingIn) -> Iterable[Participant]:
    headers = {
        ParticipantRole.FROM: [outgoing.sender],
        ParticipantRole.TO: outgoing.to,
        ParticipantRole.CC: outgoing.cc,
        ParticipantRole.BCC: outgoing.bcc,
    }
    for role, people in headers.items():
        for each in people:
            yield Participant(message=message, role=role, address=each.email, name=each.name)


def _fill(
    copy: TrackedCopy, template: Template, targets: Sequence[Mapping[str, str]], files: Sequence[FileIn]
) -> Copy:
    links = {}
    for position, target in enumerate(targets):
        purpose = Purpose.DOWNLOAD if target["file"] else Purpose.CLICK
        links[target["url"]] = address_of(copy, purpose, position)
    html = template.fill(links, address_of(copy, Purpose.OPEN))
    return Copy(copy.recipient, html, tuple((file.name, links[file.url]) for file in files))


def address_of(copy: TrackedCopy, purpose: Purpose, position: int = 0) -> str:
    """The address at which a copy's pixel is loaded, or one of its targets is reached."""
    token = make_token(copy.lookup, bytes(copy.key), purpose, position)
    ending = ".gif" if purpose == Purpose.OPEN else ""
    return f"{settings.BASE_URL}/t/{purpose}/{token}{ending}"
