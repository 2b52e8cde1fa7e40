"""What letters report: sent, received, an answer, a message that did not arrive."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from activity.models import Activity, Kind, Message
from activity.pipeline.captured import Captured, CapturedMessage, Person
from activity.sources.addresses import normalize_address
from activity.sources.mailbox.letters import Letter, Owner, Place
from integrations.calendar.messages import CalendarMessage
from integrations.mailbox.bounces import Bounce
from integrations.mailbox.mime import ParsedMail
from integrations.models import FolderRole

DATE_MAY_BE_OFF = (timedelta(days=7), timedelta(days=1))
"""How much older and newer than its arrival a mail's own date may be; else the arrival counts."""


def to_captured(owner: Owner, place: Place, letters: Sequence[Letter]) -> list[Captured]:
    """What the letters report; one letter may report several bounces, or nothing that can be stored."""
    answered = _find_answered(owner, letters)
    return [item for letter in letters for item in _captured_of(owner, place, letter, answered)]


def to_calendars(owner: Owner, place: Place, letters: Iterable[Letter]) -> list[CalendarMessage]:
    """What the letters say of meetings, with their senders. The owner speaks out of the folder of sent mail only:
    elsewhere anybody may have put their address into a mail.
    """
    found = []
    for letter in letters:
        sender = _person(letter.mail.sender)
        is_own = sender is not None and sender.email in owner.own_addresses
        believed = sender.email if sender and is_own == (place.role == FolderRole.SENT) else ""
        found += [replace(each, sender=believed, seen_at=letter.arrived_at) for each in letter.calendars]
    return found


def _find_answered(owner: Owner, letters: Iterable[Letter]) -> frozenset[str]:
    """Which of the messages that the letters answer or report on are known here."""
    named = {
        each
        for letter in letters
        for each in (
            letter.mail.in_reply_to,
            *letter.mail.references,
            letter.mail.bounce.message_id if letter.mail.bounce else "",
        )
        if each
    }
    rows = Message.objects.filter(workspace=owner.workspace, message_id__in=named)
    sent = Activity.objects.filter(workspace=owner.workspace, kind=Kind.SENT, message__in=rows)
    return frozenset(sent.values_list("message__message_id", flat=True))


def _captured_of(owner: Owner, place: Place, letter: Letter, answered: Collection[str]) -> list[Captured]:
    if letter.is_about_meeting:
        return []
    mail, source_id = letter.mail, f"{place.folder_id}-{place.uidvalidity}-{letter.uid}"
    sender = _person(mail.sender)
    if sender is None:
        return []
    is_sent = place.role == FolderRole.SENT or sender.email in owner.own_addresses
    if mail.bounce and mail.bounce.message_id in answered and not is_sent:
        return _bounces(owner, letter, mail.bounce, source_id)
    message = CapturedMessage(
        message_id=mail.message_id,
        subject=mail.subject,
        sender=sender,
        to=_people(mail.to),
        cc=_people(mail.cc),
        bcc=_people(mail.bcc),
        text=mail.text,
        text_was_cut=mail.text_was_cut,
        in_reply_to="" if mail.is_automatic and not is_sent else _answers(mail, answered),
    )
    return [
        Captured(
            source_id=source_id,
            user=owner.user,
            kind=Kind.SENT if is_sent else Kind.RECEIVED,
            occurred_at=_occurred_at(letter),
            message=message,
            via_touchline=False,
            own_addresses=owner.own_addresses,
        )
    ]


def _bounces(owner: Owner, letter: Letter, bounce: Bounce, source_id: str) -> list[Captured]:
    found = [_person((address, "")) for address in bounce.recipients]
    return [
        Captured(
            source_id=f"{source_id}-{number}",
            user=owner.user,
            kind=Kind.BOUNCED,
            occurred_at=_occurred_at(letter),
            known_message_id=bounce.message_id,
            recipient=person.email,
            via_touchline=False,
        )
        for number, person in enumerate(found)
        if person is not None
    ]


def _answers(mail: ParsedMail, answered: Collection[str]) -> str:
    """What the mail answers: by In-Reply-To, else the last message of ours among its References."""
    if mail.in_reply_to in answered:
        return mail.in_reply_to
    return next((each for each in reversed(mail.references) if each in answered), mail.in_reply_to)


def _person(written: tuple[str, str]) -> Person | None:
    try:
        return Person(normalize_address(written[0]), written[1])
    except ValueError:
        return None


def _people(written: Iterable[tuple[str, str]]) -> tuple[Person, ...]:
    found = {person.email: person for person in map(_person, written) if person is not None}
    return tuple(found.values())


def _occurred_at(letter: Letter) -> datetime:
    date, (older, newer) = letter.mail.date, DATE_MAY_BE_OFF
    if date is not None and letter.arrived_at - older <= date <= letter.arrived_at + newer:
        return date
    return letter.arrived_at
