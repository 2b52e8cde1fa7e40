"""Insert what capture decided to keep: messages, meetings, activities, jobs, and what is due. All set-based."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from django.conf import settings as django_settings

from activity.models import Meeting, Source, SyncState
from activity.pipeline import inserts
from activity.pipeline.captured import Captured, CapturedMeeting, CapturedMessage
from activity.pipeline.claims import PRIORITIES
from activity.pipeline.exclude import in_domains
from activity.pipeline.on_file import KnownMessage
from activity.pipeline.owners import Owner
from activity.pipeline.plan import Circumstances, Plan, plan
from activity.pipeline.text import cut, one_line
from activity.pipeline.window import end_of_window, window_seconds
from activity.wake import queue_drains
from integrations.models import Connection
from workspaces.ids import uuid7
from workspaces.models import Workspace

SUBJECT_LENGTH = 255


_BASE32 = (b"abcdefghijklmnopqrstuvwxyz234567" * 8)[:256]


def new_key() -> str:
    """A dedupe key: 26 characters of lower-case base32, 130 random bits."""
    return secrets.token_bytes(26).translate(_BASE32).decode()


@dataclass
class Recording:
    """What is to be written: items, owners and activity uuids by position in the request.

    `messages` are those on file that items refer to; `colleagues` the addresses in the items that are members'.
    """

    workspace: Workspace
    source: Source
    now: datetime
    items: Mapping[int, Captured]
    owners: Mapping[int, Owner]
    uuids: Mapping[int, UUID]
    messages: Mapping[str, KnownMessage]
    colleagues: frozenset[str]

    def write(self) -> frozenset[int]:
        """Insert everything and wake the queue; returns the positions that are new.

        A mail that another request inserted at the same moment is left out.
        """
        plans = self._plans()
        meetings = self._write_meetings()
        written, wake_ups = inserts.insert_all(
            self.workspace.pk,
            self.source,
            self.now,
            messages=self._message_rows(plans),
            participants=[row for message in self.coming.values() for row in _participant_rows(message)],
            activities=[self._activity_row(position, plans[position], meetings) for position in self.items],
            jobs=[row for position in self.items for row in self._job_rows(position, plans[position])],
        )
        for connection_id, due_at in wake_ups:
            queue_drains([connection_id], due_at)
        return frozenset(position for position in self.items if self.uuids[position] in written)

    # --- Planning -----------------------------------------------------------------------------------------

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
            settings=owner.settings,
            standing=owner.standing,
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

    def _message_rows(self, plans: Mapping[int, Plan]) -> list[inserts.Row]:
        keeps = {
            item.message.message_id
            for position, item in self.items.items()
            if item.message and plans[position].keeps_text
        }
        return [_message_row(message, message_id in keeps) for message_id, message in self.coming.items()]

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

    def _activity_row(self, position: int, planned: Plan, meetings: Mapping[str, int]) -> inserts.Row:
        item = self.items[position]
        return (
            self.uuids[position].hex,
            self.owners[position].pk,
            item.kind.value,
            item.occurred_at,
            item.message_id or None,
            self.messages[item.message_id].pk if item.message_id not in self.coming and not item.meeting else None,
            meetings[_uid(item)] if item.meeting else None,
            item.recipient,
            item.url,
            item.file_name,
            item.via_touchline,
            planned.is_private,
            item.by_machine,
        )

    def _job_rows(self, position: int, planned: Plan) -> list[inserts.Row]:
        item, owner = self.items[position], self.owners[position]
        activity, priority = self.uuids[position].hex, PRIORITIES[item.kind]
        subject = cut(one_line(self._what_is_known(item)[1]), SUBJECT_LENGTH)
        due = self.due[owner.pk]
        return [
            (
                activity,
                uuid7().hex,
                job.recipient,
                subject,
                job.state.value,
                str(job.reason),
                job.detail,
                new_key(),
                *(due if job.state == SyncState.WAITING else (None, None)),
                priority,
            )
            for job in planned.jobs
        ]

    @cached_property
    def due(self) -> dict[int, tuple[int | None, datetime | None]]:
        """The connection through which each owner's jobs go, and when."""
        owners = {owner.pk: owner for owner in self.owners.values()}.values()
        return {owner.pk: self._due(owner.standing.connection, owner) for owner in owners}

    def _due(self, connection: Connection | None, owner: Owner) -> tuple[int | None, datetime | None]:
        """After the batching window, so that one call takes what comes together, and the role's hold window."""
        if connection is None:
            return None, None
        seconds = window_seconds(django_settings.SYNC_BATCH_WINDOW, owner.used_percent)
        end = end_of_window(connection.pk, self.now, seconds)
        return connection.pk, end + timedelta(minutes=owner.settings.hold_minutes)


def _uid(item: Captured) -> str:
    return item.meeting.uid if item.meeting else ""


def _message_row(message: CapturedMessage, keeps_text: bool) -> inserts.Row:
    return (
        uuid7().hex,
        message.message_id,
        message.in_reply_to,
        message.subject,
        message.text if keeps_text else "",
        message.text_was_cut and keeps_text,
    )


def _participant_rows(message: CapturedMessage) -> list[inserts.Row]:
    roles = (("from", (message.sender,)), ("to", message.to), ("cc", message.cc), ("bcc", message.bcc))
    names: dict[tuple[str, str], str] = {}
    for role, people in roles:
        for person in people:
            names.setdefault((role, person.email), person.name)
    return [(message.message_id, *place, name) for place, name in names.items()]


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
