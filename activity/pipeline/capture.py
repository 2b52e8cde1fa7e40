"""Write down what a source reports: activity, jobs, what is due, the ledger and the wake-up, in one transaction.

A report is known by its source and its id there: the same one again gives the same activity, other content under a
known id is refused. One mail reported by two sources gives one activity for each owner who took part.
"""

import base64
import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings as django_settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from activity.models import (
    Activity,
    Kind,
    LedgerEntry,
    Meeting,
    Message,
    ObjectType,
    Participant,
    ParticipantRole,
    Source,
    SyncState,
)
from activity.pipeline import inserts
from activity.pipeline.captured import Captured, CapturedMeeting, CapturedMessage, CaptureResult, Fault
from activity.pipeline.claims import PRIORITIES
from activity.pipeline.exclude import in_domains
from activity.pipeline.plan import Circumstances, Plan, plan
from activity.pipeline.standing import Standing, standings_of
from activity.pipeline.text import cut, one_line
from activity.settings import EffectiveSettings, settings_of
from activity.wake import wake
from workspaces.ids import uuid7
from workspaces.members import find_members
from workspaces.models import Membership, Workspace

SUBJECT_LENGTH = 255
MAIL_KINDS = frozenset({Kind.SENT, Kind.RECEIVED, Kind.REPLIED})
UNKNOWN_MEMBER = "No member of this workspace has this verified address."
UNKNOWN_MESSAGE = "No message with this id is known here: report the message itself, with from, to and subject."
OTHER_CONTENT = "This id was reported before with other content. Nothing was changed; use another id."


def capture(workspace: Workspace, source: Source, items: Sequence[Captured]) -> list[CaptureResult]:
    """Write the items down and return what became of each, in their order.

    Nothing is stored unless everything that is called accepted is: "accepted" is true when this returns, outside any
    transaction of the caller.
    """
    if not items:
        return []
    with transaction.atomic():
        report = _Report(workspace, source, list(items))
        report.find_owners()
        report.find_known()
        report.find_messages()
        report.find_same_mail()
        report.claim_ids()
        report.write()
    return [result for result in report.results if result is not None]


def new_key() -> str:
    """A dedupe key: 26 characters of lower-case base32, 128 random bits."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


@dataclass
class _Known:
    """What is on file of a message: its id there, whom it went to, its subject."""

    pk: int
    subject: str
    recipients: tuple[str, ...] = ()


@dataclass
class _Report:
    """One call of capture: what is known so far, and the results by position."""

    workspace: Workspace
    source: Source
    items: list[Captured]
    results: list[CaptureResult | None] = field(default_factory=list)
    owners: dict[str, Membership] = field(default_factory=dict)
    colleagues: frozenset[str] = frozenset()
    messages: dict[str, _Known] = field(default_factory=dict)
    uuids: dict[int, UUID] = field(default_factory=dict)
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        self.results = [None] * len(self.items)

    # --- Steps, in order ----------------------------------------------------------------------------------

    def find_owners(self) -> None:
        """Refuse what belongs to nobody here; learn which of the addresses are colleagues'."""
        self.owners = find_members(self.workspace, {each for item in self.items for each in _all_addresses(item)})
        self.colleagues = frozenset(self.owners)
        for position, item in enumerate(self.items):
            if item.user not in self.owners:
                self._refuse(position, "user", UNKNOWN_MEMBER)

    def find_known(self) -> None:
        """Answer what was reported before, in an earlier request or higher up in this one."""
        first: dict[str, int] = {}
        ids = [self.items[position].source_id for position in self._open()]
        on_file = self._ledger(ids)
        for position in self._open():
            item = self.items[position]
            if item.source_id in on_file:
                self._answer_known(position, *on_file[item.source_id])
            elif item.source_id in first:
                original = first[item.source_id]
                self._answer_known(position, self.items[original].digest(), self.uuids[original])
            else:
                first[item.source_id] = position
                self.uuids[position] = uuid7()

    def find_messages(self) -> None:
        """Look up the messages that are named; refuse what is about a message that nobody reported."""
        named = {
            each
            for position in self._open()
            for each in (self.items[position].known_message_id, _in_reply_to(self.items[position]))
            if each
        }
        self.messages = _known_messages(self.workspace, named)
        coming = {item.message.message_id for item in (self.items[each] for each in self._open()) if item.message}
        for position in self._open():
            wanted = self.items[position].known_message_id
            if wanted and wanted not in self.messages and wanted not in coming:
                self._refuse(position, "message.message_id", UNKNOWN_MESSAGE)
        self._turn_answers_into_replies()

    def _turn_answers_into_replies(self) -> None:
        """A mail that answers one of ours is Replied, and only that."""
        answered = {
            _in_reply_to(self.items[each]) for each in self._open() if self.items[each].kind == Kind.RECEIVED
        } - {""}
        if not answered:
            return
        sent = Activity.objects.filter(workspace=self.workspace, kind=Kind.SENT, message__message_id__in=answered)
        ours = set(sent.values_list("message__message_id", flat=True))
        for position in self._open():
            item = self.items[position]
            if item.kind == Kind.SENT and item.message:
                ours.add(item.message.message_id)
        for position in self._open():
            item = self.items[position]
            if item.kind == Kind.RECEIVED and _in_reply_to(item) in ours and item.message:
                self.items[position] = replace(
                    item, kind=Kind.REPLIED, recipient=item.recipient or item.message.sender.email
                )

    def find_same_mail(self) -> None:
        """A mail that is on file for its owner, by whatever source, is a duplicate of that activity."""
        mails = {position: self._mail_key(position) for position in self._open() if self._is_mail(position)}
        if not mails:
            return
        on_file = self._activities_of_mails(set(mails.values()))
        for position, key in mails.items():
            if key in on_file:
                self._be_duplicate_of(position, on_file[key])
            else:
                on_file[key] = self.uuids[position]

    def claim_ids(self) -> None:
        """Enter the ids into the ledger; whoever entered one at the same time was first."""
        open_now = self._open()
        entries = [
            (self.items[position].source_id, self.items[position].digest(), self.uuids[position])
            for position in [*open_now, *self._new_duplicates()]
        ]
        won = inserts.insert_ledger(self.workspace.pk, self.source, self.now, entries)
        lost = [position for position in open_now if self.items[position].source_id not in won]
        if lost:
            on_file = self._ledger([self.items[position].source_id for position in lost])
            for position in lost:
                self._answer_known(position, *on_file[self.items[position].source_id])

    def write(self) -> None:
        """Insert messages, meetings, activities, jobs; accept what is left."""
        open_now = self._open()
        if not open_now:
            return
        memberships = {self._owner(position).pk: self._owner(position) for position in open_now}
        settings = settings_of(list(memberships.values()))
        standings = standings_of(self.workspace, list(memberships.values()))
        stale = self._stale_meetings(open_now)
        plans = {position: self._plan(position, settings, standings, position in stale) for position in open_now}
        self._write_messages(open_now, plans)
        meetings = self._write_meetings(open_now)
        pks = self._write_activities(open_now, plans, meetings)
        self._write_jobs(pks, plans, meetings, settings, standings)
        for position in pks:
            self._accept(position)

    # --- What the steps are made of -----------------------------------------------------------------------

    def _open(self) -> list[int]:
        """The positions that have no result yet."""
        return [position for position, result in enumerate(self.results) if result is None]

    def _owner(self, position: int) -> Membership:
        return self.owners[self.items[position].user]

    def _refuse(self, position: int, path: str, message: str) -> None:
        item = self.items[position]
        self.results[position] = CaptureResult(item.source_id, "rejected", errors=(Fault(path, message),))

    def _accept(self, position: int) -> None:
        item = self.items[position]
        self.results[position] = CaptureResult(item.source_id, "accepted", str(self.uuids[position]))

    def _answer_known(self, position: int, digest: str, activity: UUID) -> None:
        item = self.items[position]
        if item.digest() == digest:
            self.results[position] = CaptureResult(item.source_id, "duplicate", str(activity))
        else:
            self._refuse(position, "id", OTHER_CONTENT)

    def _be_duplicate_of(self, position: int, activity: UUID) -> None:
        self.uuids[position] = activity
        self.results[position] = CaptureResult(self.items[position].source_id, "duplicate", str(activity))

    def _new_duplicates(self) -> list[int]:
        """Reports of a known mail under an id that is new: the id is remembered too."""
        return [
            position
            for position, result in enumerate(self.results)
            if result is not None and result.status == "duplicate" and position in self.uuids
        ]

    def _ledger(self, ids: Iterable[str]) -> dict[str, tuple[str, UUID]]:
        rows = LedgerEntry.objects.filter(workspace=self.workspace, source=self.source, source_id__in=list(ids))
        return {
            source_id: (digest, activity)
            for source_id, digest, activity in rows.values_list("source_id", "digest", "activity_uuid")
        }

    def _is_mail(self, position: int) -> bool:
        return self.items[position].kind in MAIL_KINDS and self.items[position].message is not None

    def _mail_key(self, position: int) -> tuple[int, str, bool]:
        item = self.items[position]
        message_id = item.message.message_id if item.message else item.known_message_id
        return self._owner(position).pk, message_id, item.kind == Kind.SENT

    def _activities_of_mails(self, keys: set[tuple[int, str, bool]]) -> dict[tuple[int, str, bool], UUID]:
        rows = Activity.objects.filter(
            workspace=self.workspace,
            owner__in={owner for owner, _, _ in keys},
            kind__in=MAIL_KINDS,
            message__message_id__in={message_id for _, message_id, _ in keys},
        )
        found = rows.values_list("owner", "message__message_id", "kind", "uuid")
        return {(owner, message_id, kind == Kind.SENT): uuid for owner, message_id, kind, uuid in found}

    def _is_internal(self) -> Callable[[str], bool]:
        domains = frozenset(domain.lower() for domain in self.workspace.own_domains)
        return lambda address: address in self.colleagues or in_domains(address, domains)

    def _stale_meetings(self, positions: Iterable[int]) -> set[int]:
        """The reports that are older than what is known of their meeting."""
        items = {position: self.items[position] for position in positions if self.items[position].meeting}
        if not items:
            return set()
        uids = {item.meeting.uid for item in items.values() if item.meeting}
        rows = Meeting.objects.filter(workspace=self.workspace, uid__in=uids)
        newest = dict(rows.values_list("uid", "reported_at"))
        for item in items.values():
            uid = item.meeting.uid if item.meeting else ""
            newest[uid] = max(newest.get(uid, item.occurred_at), item.occurred_at)
        return {
            position
            for position, item in items.items()
            if item.meeting and item.occurred_at < newest[item.meeting.uid]
        }

    def _plan(
        self,
        position: int,
        settings: dict[int, EffectiveSettings],
        standings: dict[int, Standing],
        is_stale: bool,
    ) -> Plan:
        item, owner = self.items[position], self._owner(position)
        recipients, subject = self._what_is_known(item)
        return plan(
            item,
            Circumstances(
                settings=settings[owner.pk],
                standing=standings[owner.pk],
                is_internal=self._is_internal(),
                recipients=recipients,
                subject=subject,
                is_stale=is_stale,
            ),
        )

    def _what_is_known(self, item: Captured) -> tuple[tuple[str, ...], str]:
        """Whom the item's message went to and what it is about, from the report or from the message on file."""
        if item.message:
            return tuple(each.email for each in item.message.recipients), item.message.subject
        if item.meeting:
            return (), item.meeting.title
        if known := self.messages.get(item.known_message_id):
            return known.recipients, known.subject
        return self._what_is_known(self._item_with_message(item.known_message_id))

    def _item_with_message(self, message_id: str) -> Captured:
        return next(each for each in self.items if each.message and each.message.message_id == message_id)

    def _write_messages(self, positions: Iterable[int], plans: dict[int, Plan]) -> None:
        newest: dict[str, tuple[CapturedMessage, bool]] = {}
        for position in positions:
            if message := self.items[position].message:
                known, keeps = newest.get(message.message_id, (message, False))
                newest[message.message_id] = (known, keeps or plans[position].keeps_text)
        rows = [_message_row(message, keeps) for message, keeps in newest.values()]
        written = inserts.upsert_messages(self.workspace.pk, self.now, rows)
        for message_id, (pk, _) in written.items():
            message = newest[message_id][0]
            self.messages[message_id] = _Known(pk, message.subject)
        inserts.insert_participants(
            [
                row
                for message_id, (pk, is_new) in written.items()
                if is_new
                for row in _participant_rows(pk, newest[message_id][0])
            ]
        )

    def _write_meetings(self, positions: Iterable[int]) -> dict[str, int]:
        newest: dict[str, Captured] = {}
        for position in positions:
            item = self.items[position]
            if item.meeting and (
                item.meeting.uid not in newest or newest[item.meeting.uid].occurred_at <= item.occurred_at
            ):
                newest[item.meeting.uid] = item
        if not newest:
            return {}
        inserts.upsert_meetings(self.workspace.pk, self.now, [_meeting_row(item) for item in newest.values()])
        rows = Meeting.objects.filter(workspace=self.workspace, uid__in=list(newest))
        return dict(rows.values_list("uid", "pk"))

    def _write_activities(
        self, positions: Iterable[int], plans: dict[int, Plan], meetings: dict[str, int]
    ) -> dict[int, int]:
        """Insert the activities; returns the new ids by position. A mail that came meanwhile is answered."""
        rows = {position: self._activity_row(position, plans[position], meetings) for position in positions}
        written = inserts.insert_activities(self.workspace.pk, self.source, self.now, list(rows.values()))
        lost = [position for position in rows if self.uuids[position] not in written]
        if lost:
            on_file = self._activities_of_mails({self._mail_key(position) for position in lost})
            for position in lost:
                self._be_duplicate_of(position, on_file[self._mail_key(position)])
            inserts.point_ledger(
                self.workspace.pk,
                self.source,
                [(self.items[position].source_id, self.uuids[position]) for position in lost],
            )
        return {position: written[self.uuids[position]] for position in rows if self.uuids[position] in written}

    def _activity_row(self, position: int, planned: Plan, meetings: dict[str, int]) -> tuple[Any, ...]:
        item = self.items[position]
        message_id = item.message.message_id if item.message else item.known_message_id
        return (
            self.uuids[position],
            self._owner(position).pk,
            item.kind.value,
            item.occurred_at,
            self.messages[message_id].pk if message_id else None,
            meetings[item.meeting.uid] if item.meeting else None,
            item.recipient,
            item.url,
            item.file_name,
            item.via_touchline,
            planned.is_private,
            item.by_machine,
        )

    def _write_jobs(
        self,
        pks: dict[int, int],
        plans: dict[int, Plan],
        meetings: dict[str, int],
        settings: dict[int, EffectiveSettings],
        standings: dict[int, Standing],
    ) -> None:
        rows: list[tuple[Any, ...]] = []
        due: dict[str, tuple[int, datetime, int, int]] = {}
        for position, activity in pks.items():
            item, owner = self.items[position], self._owner(position)
            subject = cut(one_line(self._what_is_known(item)[1]), SUBJECT_LENGTH)
            due_at = self._due_at(settings[owner.pk])
            sequence = self._sequence(item, meetings)
            for job in plans[position].jobs:
                key = new_key()
                rows.append(_job_row(key, activity, owner.pk, item.kind, subject, job))
                connection = standings[owner.pk].connection
                if job.state == SyncState.WAITING and connection:
                    due[key] = (connection.pk, due_at, sequence, PRIORITIES[item.kind])
        written = inserts.insert_jobs(self.workspace.pk, self.now, rows)
        inserts.insert_due(self.workspace.pk, [(pk, *due[key]) for key, pk in written if key in due])
        wake(
            *{connection for connection, *_ in due.values()},
            due_at=min((due_at for _, due_at, *_ in due.values()), default=None),
        )

    def _due_at(self, settings: EffectiveSettings) -> datetime:
        """After the batching window, so that one call takes what comes together, and the role's hold window."""
        window = timedelta(seconds=django_settings.SYNC_BATCH_WINDOW)
        return self.now + window + timedelta(minutes=settings.hold_minutes)

    def _sequence(self, item: Captured, meetings: dict[str, int]) -> int:
        if item.meeting:
            return -meetings[item.meeting.uid]
        return self.messages[item.message.message_id if item.message else item.known_message_id].pk


def _all_addresses(item: Captured) -> Iterable[str]:
    yield item.user
    yield item.recipient
    if item.message:
        yield item.message.sender.email
        yield from (each.email for each in item.message.recipients)
    if item.meeting:
        yield item.meeting.organizer.email
        yield from (each.email for each in item.meeting.attendees)


def _in_reply_to(item: Captured) -> str:
    return item.message.in_reply_to if item.message else ""


def _known_messages(workspace: Workspace, message_ids: set[str]) -> dict[str, _Known]:
    if not message_ids:
        return {}
    rows = Message.objects.filter(workspace=workspace, message_id__in=message_ids)
    known = {
        pk: (message_id, _Known(pk, subject))
        for pk, message_id, subject in rows.values_list("pk", "message_id", "subject")
    }
    people = Participant.objects.filter(Q(message__in=known) & ~Q(role=ParticipantRole.FROM)).order_by("id")
    for pk, address in people.values_list("message", "address"):
        entry = known[pk][1]
        entry.recipients = (*entry.recipients, address)
    return dict(known.values())


def _message_row(message: CapturedMessage, keeps_text: bool) -> tuple[Any, ...]:
    return (
        uuid7(),
        message.message_id,
        message.in_reply_to,
        message.subject,
        message.text if keeps_text else "",
        message.text_was_cut and keeps_text,
    )


def _participant_rows(pk: int, message: CapturedMessage) -> Iterable[tuple[Any, ...]]:
    yield pk, ParticipantRole.FROM.value, message.sender.email, message.sender.name
    for role, people in (("to", message.to), ("cc", message.cc), ("bcc", message.bcc)):
        for person in people:
            yield pk, role, person.email, person.name


def _meeting_row(item: Captured) -> tuple[Any, ...]:
    meeting: CapturedMeeting = item.meeting  # type: ignore[assignment]
    attendees = [{"email": each.email, "name": each.name, "status": each.status} for each in meeting.attendees]
    return (
        uuid7(),
        meeting.uid,
        meeting.title,
        meeting.start,
        meeting.end,
        meeting.location,
        meeting.description,
        meeting.organizer.email,
        json.dumps(attendees),
        item.occurred_at,
    )


def _job_row(key: str, activity: int, owner: int, kind: Kind, subject: str, job: Any) -> tuple[Any, ...]:
    object_type = ObjectType.EVENT if kind.is_meeting else ObjectType.TASK
    return (
        uuid7(),
        activity,
        owner,
        kind.value,
        object_type.value,
        job.recipient,
        subject,
        job.state.value,
        str(job.reason),
        job.detail,
        key,
    )
