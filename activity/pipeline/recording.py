"""Insert what capture decided to keep: messages, meetings, activities, jobs, and what is due. All set-based."""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.conf import settings as django_settings

from activity.models import Kind, Meeting, Message, ObjectType, Participant, ParticipantRole, Source, SyncState
from activity.pipeline import inserts
from activity.pipeline.captured import Captured, CapturedMeeting, CapturedMessage
from activity.pipeline.claims import PRIORITIES
from activity.pipeline.exclude import in_domains
from activity.pipeline.plan import Circumstances, Plan, PlannedJob, plan
from activity.pipeline.standing import Standing, standings_of
from activity.pipeline.text import cut, one_line
from activity.pipeline.window import end_of_window
from activity.settings import EffectiveSettings, settings_of
from activity.wake import wake
from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace

SUBJECT_LENGTH = 255


def new_key() -> str:
    """A dedupe key: 26 characters of lower-case base32, 128 random bits."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


@dataclass
class KnownMessage:
    """What is on file of a message: its id there, what it is about, whom it went to."""

    pk: int
    subject: str
    recipients: tuple[str, ...] = ()


def known_messages(workspace: Workspace, message_ids: Iterable[str]) -> dict[str, KnownMessage]:
    """The messages that are on file, by Message-ID; two queries."""
    wanted = list(message_ids)
    if not wanted:
        return {}
    rows = Message.objects.filter(workspace=workspace, message_id__in=wanted)
    known = {
        pk: (message_id, KnownMessage(pk, subject))
        for pk, message_id, subject in rows.values_list("pk", "message_id", "subject")
    }
    people = Participant.objects.filter(message__in=known).exclude(role=ParticipantRole.FROM).order_by("id")
    for pk, address in people.values_list("message", "address"):
        message = known[pk][1]
        message.recipients = (*message.recipients, address)
    return dict(known.values())


@dataclass
class Recording:
    """What is to be written: items, owners and activity uuids by position in the request.

    `messages` are those on file that items refer to; `colleagues` the addresses in the items that are members'.
    """

    workspace: Workspace
    source: Source
    now: datetime
    items: Mapping[int, Captured]
    owners: Mapping[int, Membership]
    uuids: Mapping[int, UUID]
    messages: dict[str, KnownMessage]
    colleagues: frozenset[str]

    def write(self) -> frozenset[int]:
        """Insert everything and wake the queue; returns the positions that are new.

        A mail that another request inserted at the same moment is left out.
        """
        plans = self._plans()
        self._write_messages(plans)
        meetings = self._write_meetings()
        written = self._write_activities(plans, meetings)
        self._write_jobs(written, plans, meetings)
        return frozenset(written)

    # --- Planning -----------------------------------------------------------------------------------------

    @cached_property
    def memberships(self) -> list[Membership]:
        """The owners, each once."""
        return list({owner.pk: owner for owner in self.owners.values()}.values())

    @cached_property
    def settings(self) -> dict[int, EffectiveSettings]:
        """What holds for each owner."""
        return settings_of(self.memberships)

    @cached_property
    def standings(self) -> dict[int, Standing]:
        """What stands between each owner and Salesforce."""
        return standings_of(self.workspace, self.memberships)

    @cached_property
    def own_domains(self) -> frozenset[str]:
        """The workspace's own domains."""
        return frozenset(domain.lower() for domain in self.workspace.own_domains)

    @cached_property
    def coming(self) -> dict[str, CapturedMessage]:
        """The messages in the items themselves."""
        return {item.message.message_id: item.message for item in self.items.values() if item.message}

    def _is_internal(self, address: str) -> bool:
        return address in self.colleagues or in_domains(address, self.own_domains)

    def _plans(self) -> dict[int, Plan]:
        stale = self._stale_meetings()
        return {position: self._plan(position, position in stale) for position in self.items}

    def _plan(self, position: int, is_stale: bool) -> Plan:
        item, owner = self.items[position], self.owners[position]
        recipients, subject = self._what_is_known(item)
        around = Circumstances(
            settings=self.settings[owner.pk],
            standing=self.standings[owner.pk],
            is_internal=self._is_internal,
            recipients=recipients,
            subject=subject,
            is_stale=is_stale,
        )
        return plan(item, around)

    def _what_is_known(self, item: Captured) -> tuple[tuple[str, ...], str]:
        """Whom the item's message went to and what it is about, from the report or from what is on file."""
        if item.meeting:
            return (), item.meeting.title
        message = item.message or self.coming.get(item.known_message_id)
        if message:
            return tuple(each.email for each in message.recipients), message.subject
        known = self.messages[item.known_message_id]
        return known.recipients, known.subject

    def _stale_meetings(self) -> set[int]:
        """The reports that are older than what is known of their meeting."""
        reports = {position: item for position, item in self.items.items() if item.meeting}
        if not reports:
            return set()
        uids = {_uid(item) for item in reports.values()}
        rows = Meeting.objects.filter(workspace=self.workspace, uid__in=uids)
        newest = dict(rows.values_list("uid", "reported_at"))
        for item in reports.values():
            newest[_uid(item)] = max(newest.get(_uid(item), item.occurred_at), item.occurred_at)
        return {position for position, item in reports.items() if item.occurred_at < newest[_uid(item)]}

    # --- Writing ------------------------------------------------------------------------------------------

    def _write_messages(self, plans: Mapping[int, Plan]) -> None:
        keeps = {
            item.message.message_id
            for position, item in self.items.items()
            if item.message and plans[position].keeps_text
        }
        rows = [_message_row(message, message_id in keeps) for message_id, message in self.coming.items()]
        written = inserts.upsert_messages(self.workspace.pk, self.now, rows)
        people: list[inserts.Row] = []
        for message_id, (pk, is_new) in written.items():
            message = self.coming[message_id]
            self.messages[message_id] = KnownMessage(pk, message.subject)
            if is_new:
                people += _participant_rows(pk, message)
        inserts.insert_participants(people)

    def _write_meetings(self) -> dict[str, int]:
        """Take over the newest report of each meeting; returns the meetings' ids by uid."""
        newest: dict[str, Captured] = {}
        for item in self.items.values():
            if item.meeting and (
                item.meeting.uid not in newest or newest[item.meeting.uid].occurred_at <= item.occurred_at
            ):
                newest[item.meeting.uid] = item
        if not newest:
            return {}
        inserts.upsert_meetings(self.workspace.pk, self.now, [_meeting_row(item) for item in newest.values()])
        rows = Meeting.objects.filter(workspace=self.workspace, uid__in=list(newest))
        return dict(rows.values_list("uid", "pk"))

    def _write_activities(self, plans: Mapping[int, Plan], meetings: Mapping[str, int]) -> dict[int, int]:
        """Returns the ids of the new activities by position."""
        rows = [self._activity_row(position, plans[position], meetings) for position in self.items]
        written = inserts.insert_activities(self.workspace.pk, self.source, self.now, rows)
        return {position: written[self.uuids[position]] for position in self.items if self.uuids[position] in written}

    def _activity_row(self, position: int, planned: Plan, meetings: Mapping[str, int]) -> inserts.Row:
        item = self.items[position]
        return (
            self.uuids[position],
            self.owners[position].pk,
            item.kind.value,
            item.occurred_at,
            None if item.meeting else self.messages[item.message_id].pk,
            meetings[_uid(item)] if item.meeting else None,
            item.recipient,
            item.url,
            item.file_name,
            item.via_touchline,
            planned.is_private,
            item.by_machine,
        )

    def _write_jobs(self, written: Mapping[int, int], plans: Mapping[int, Plan], meetings: Mapping[str, int]) -> None:
        rows: list[inserts.Row] = []
        due: dict[str, inserts.Row] = {}
        for position, activity in written.items():
            item, owner = self.items[position], self.owners[position]
            subject = cut(one_line(self._what_is_known(item)[1]), SUBJECT_LENGTH)
            for job in plans[position].jobs:
                key = new_key()
                rows.append(_job_row(key, activity, owner.pk, item.kind, subject, job))
                connection = self.standings[owner.pk].connection
                if job.state == SyncState.WAITING and connection:
                    sequence = -meetings[_uid(item)] if item.meeting else self.messages[item.message_id].pk
                    due[key] = (connection.pk, self._due_at(owner, connection.pk), sequence, PRIORITIES[item.kind])
        made = inserts.insert_jobs(self.workspace.pk, self.now, rows)
        inserts.insert_due(self.workspace.pk, [(pk, *due[key]) for key, pk in made if key in due])
        # In one order, so that two requests wait for each other instead of blocking each other.
        for connection_id, due_at in sorted({(connection_id, due_at) for connection_id, due_at, *_ in due.values()}):
            wake(connection_id, due_at=due_at)

    def _due_at(self, owner: Membership, connection_id: int) -> datetime:
        """After the batching window, so that one call takes what comes together, and the role's hold window."""
        end = end_of_window(connection_id, self.now, django_settings.SYNC_BATCH_WINDOW)
        return end + timedelta(minutes=self.settings[owner.pk].hold_minutes)


def _uid(item: Captured) -> str:
    return item.meeting.uid if item.meeting else ""


def _message_row(message: CapturedMessage, keeps_text: bool) -> inserts.Row:
    return (
        uuid7(),
        message.message_id,
        message.in_reply_to,
        message.subject,
        message.text if keeps_text else "",
        message.text_was_cut and keeps_text,
    )


def _participant_rows(pk: int, message: CapturedMessage) -> list[inserts.Row]:
    roles = (("from", (message.sender,)), ("to", message.to), ("cc", message.cc), ("bcc", message.bcc))
    return [(pk, role, person.email, person.name) for role, people in roles for person in people]


def _meeting_row(item: Captured) -> inserts.Row:
    meeting: CapturedMeeting = item.meeting  # type: ignore[assignment] - the caller chose meetings
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


def _job_row(key: str, activity: int, owner: int, kind: Kind, subject: str, job: PlannedJob) -> inserts.Row:
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
