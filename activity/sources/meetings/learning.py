"""How what is known of a meeting grows with what is read. Pure.

Learning takes the maximum of versions, so neither the order of delivery nor a second delivery matters. Who may say
what (RFC 5546 §6.1): only the organizer changes and cancels, only attendees answer for themselves. In a mail that is
told by its sender; a member's own calendar is believed.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from activity.sources.meetings.knowledge import (
    ANSWERED,
    NOBODY_KNOWS,
    ORGANIZED,
    SERIES,
    Answer,
    Cancellation,
    Claim,
    Knowledge,
    Mark,
    Version,
    answer_order,
    plain,
)
from integrations.calendar.messages import CalendarMessage, Invited, Meeting

MOST_EXCEPTIONS = 200
MOST_PEOPLE = 500
TEXT_LENGTH = 8_000
ANSWERS = frozenset({"ACCEPTED", "DECLINED", "TENTATIVE"})
NO_PERSON = frozenset({"ROOM", "RESOURCE"})


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
    content = json.dumps(asdict(replace(claim, instances=())), default=plain, sort_keys=True)
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


def _is_full(by_key: dict[str, Any], key: str) -> bool:
    return key not in by_key and len(by_key) > MOST_EXCEPTIONS
