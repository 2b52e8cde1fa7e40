"""From claimed jobs to records that are ready to send: meetings put in order, people matched, fields composed.

What needs no record (nobody matches, nothing to change) is settled here. A fault of ours in one row stops that row.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.utils import timezone

from activity.models import DueJob, ErrorGroup, Kind, ObjectType, Reason, SyncState
from activity.pipeline.choose import Ambiguous, Match, MatchRules, choose
from activity.pipeline.claims import BATCH
from activity.pipeline.compose import Composed, Style, compose, compose_update
from activity.pipeline.jobs import Job, Logged, last_sent, newest_of_meetings, records_by_id, records_of_meetings
from activity.pipeline.match import Known, find_known, find_people
from activity.pipeline.outcome import Action, Decision
from activity.pipeline.results import Related
from activity.pipeline.settle import HELD_AT_LEAST, Settlement
from activity.settings import EffectiveSettings
from integrations import describes
from integrations.connections import client_for
from integrations.models import Connection, SalesforceOrg
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import ConnectionLost, SalesforceError
from workspaces.models import Membership

logger = logging.getLogger(__name__)

LOOK_AHEAD = 2_000
"""So many addresses of further due jobs are asked for along, when a backlog is worked off: a fifth of the calls."""
DIGEST_FIELDS = ("Subject", "StartDateTime", "EndDateTime", "Location", "ShowAs", "Description")


@dataclass(frozen=True, slots=True)
class Ready:
    """A record to send. `logged`: the record of ours that it changes; `related` None: the row has it already."""

    job: Job
    operation: str
    payload: dict[str, Any]
    related: Related | None = None
    logged: Logged | None = None
    account_id: str = ""

    @property
    def sort_key(self) -> tuple[str, str]:
        """By type (Salesforce takes ten runs of types), then by account, so that rows lock each other less."""
        return self.job.object_type.value, self.account_id or self.payload.get("WhoId", "")


@dataclass
class Sender:
    """For whom and by which settings a drain sends; clients and describes are made when they are first needed."""

    connection: Connection
    org: SalesforceOrg
    membership: Membership
    settings: EffectiveSettings

    @property
    def salesforce_user_id(self) -> str:
        """The Salesforce user who owns and creates the records."""
        return self.connection.salesforce_user.user_id

    @cached_property
    def client(self) -> SalesforceClient:
        """The member's own client; raises ConnectionLost when it cannot be used."""
        return client_for(self.connection)

    @cached_property
    def reader(self) -> SalesforceClient:
        """The Sync User's client; raises ConnectionLost when it cannot be used."""
        if self.org.sync_user is None:
            raise ConnectionLost("no_sync_user")
        return client_for(self.org.sync_user)

    @cached_property
    def task_schema(self) -> describes.ObjectSchema:
        """The Task as the member may write it."""
        return describes.task_schema(self.connection)

    @cached_property
    def event_schema(self) -> describes.ObjectSchema:
        """The Event as the member may write it."""
        return describes.event_schema(self.connection)

    @cached_property
    def style(self) -> Style:
        """How records look."""
        return Style(self.settings.subject_templates, self.settings.body, self.org.use_call_object)

    @cached_property
    def rules(self) -> MatchRules:
        """How people and opportunities are chosen."""
        return MatchRules(
            related=self.settings.related,
            only_my_opportunities=self.settings.only_my_opportunities,
            only_with_contact_role=self.settings.only_with_contact_role,
            closed_opportunities=self.settings.closed_opportunities,
            person_preference=self.settings.person_preference,
            member_id=self.salesforce_user_id,
            today=timezone.now().date(),
        )

    def schema_of(self, object_type: ObjectType) -> describes.ObjectSchema:
        """The Task's or the Event's."""
        return self.event_schema if object_type == ObjectType.EVENT else self.task_schema

    def forget_describes(self) -> None:
        """Salesforce called them out of date."""
        describes.drop(self.connection)
        self.__dict__.pop("task_schema", None)
        self.__dict__.pop("event_schema", None)


def prepare(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> list[Ready]:
    """The records to send for the jobs, sorted for one call; the other jobs are settled."""
    frozen = [job for job in jobs if job.claimed.frozen]
    fresh = _park_with_total_groups([job for job in jobs if not job.claimed.frozen], sender, settlement)
    ready = _send_again(frozen, sender, settlement)
    changes, fresh = _order_meetings(fresh, sender, settlement)
    if any(job.claimed.described_again for job in fresh):
        sender.forget_describes()
    known_types = _describe([*(job for job, _ in changes), *fresh], sender, settlement)
    changes = [(job, logged) for job, logged in changes if job.object_type in known_types]
    ready += [each for job, logged in changes if (each := _compose_change(job, logged, sender, settlement))]
    ready += _compose_new([job for job in fresh if job.object_type in known_types], sender, settlement)
    return sorted(ready, key=lambda each: each.sort_key)


def _describe(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> set[ObjectType]:
    """The types of which we know how the member may write them; jobs of the others are settled."""
    known = set()
    for object_type in {job.object_type for job in jobs}:
        try:
            sender.schema_of(object_type)
        except SalesforceError as error:
            settlement.settle_unsent([job for job in jobs if job.object_type == object_type], error)
        else:
            known.add(object_type)
    return known


def _send_again(frozen: Sequence[Job], sender: Sender, settlement: Settlement) -> list[Ready]:
    """What was composed before goes out again as it was, with the same key."""
    sent = last_sent([job.pk for job in frozen])
    changed = records_by_id(sender.membership.workspace_id, [each.payload.get("Id", "") for each in sent.values()])
    ready = []
    for job in frozen:
        if job.pk in sent:
            payload = sent[job.pk].payload
            logged = changed.get(payload.get("Id", ""))
            ready.append(Ready(job, sent[job.pk].operation, payload, logged=logged))
        else:
            settlement.postpone(job, settlement.now, frozen=False)
    return ready


def _park_with_total_groups(jobs: list[Job], sender: Sender, settlement: Settlement) -> list[Job]:
    """While nothing of a type gets through for one cause, only its canary is tried."""
    total = ErrorGroup.objects.filter(connection=sender.connection, is_total=True, next_canary_at__isnull=False)
    groups = {group.object_type: group for group in total}
    left = []
    for job in jobs:
        group = groups.get(job.object_type.value)
        if group is None or group.canary_job_id == job.pk:
            left.append(job)
            continue
        settlement.postpone(
            job,
            settlement.now,
            state=SyncState.HELD,
            reason=Reason.SAME_ERROR,
            detail=group.detail,
            error_code=group.error_code,
            parked_id=group.pk,
        )
    return left


# --- Meetings ---------------------------------------------------------------------------------------------


def _order_meetings(
    jobs: Sequence[Job], sender: Sender, settlement: Settlement
) -> tuple[list[tuple[Job, Logged]], list[Job]]:
    """One Event for the life of a meeting: what changes a record of ours, and what is to be created.

    Only the newest report counts: the Event is composed of the meeting as it stands. A meeting that was canceled
    before its Event was created leaves none.
    """
    meetings = {job.meeting_id for job in jobs if job.meeting_id}
    newest = newest_of_meetings(sender.membership.pk, meetings)
    records = records_of_meetings(sender.membership.pk, meetings)
    changes, new = [], []
    for job in jobs:
        logged = records.get((job.meeting_id or 0, job.recipient))
        if job.meeting_id is None:
            new.append(job)
        elif newest.get((job.meeting_id, job.recipient), job.pk) != job.pk:
            settlement.finish(job, SyncState.SKIPPED, Reason.SUPERSEDED)
        elif logged is not None and logged.is_removed:
            settlement.finish(job, SyncState.SKIPPED, Reason.REMOVED)
        elif logged is not None:
            changes.append((job, logged))
        elif job.draft.kind == Kind.MEETING_CANCELED:
            settlement.finish(job, SyncState.SKIPPED, Reason.SUPERSEDED)
        else:
            new.append(job)
    return changes, new


def _compose_change(job: Job, logged: Logged, sender: Sender, settlement: Settlement) -> Ready | None:
    try:
        draft = replace(job.draft, key=logged.key)
        composed = compose_update(draft, logged.salesforce_id, sender.event_schema, sender.style)
    except Exception as error:
        _fail_on_own_bug(job, error, settlement)
        return None
    if digest_of(composed.record) == logged.digest:
        settlement.finish(job, SyncState.SKIPPED, Reason.SUPERSEDED)
        return None
    settlement.traces[job.pk] = _trace(sender, composed) | {"changes": logged.salesforce_id}
    return Ready(job, "update", composed.record, logged=logged)


def digest_of(record: dict[str, Any]) -> str:
    """SHA-256 of the fields of an Event that a later report can change; empty for a Task."""
    if record["attributes"]["type"] != ObjectType.EVENT:
        return ""
    content = [record.get(name) for name in DIGEST_FIELDS]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


# --- New records ------------------------------------------------------------------------------------------


def _compose_new(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> list[Ready]:
    if not jobs:
        return []
    try:
        known = _know_people(jobs, sender)
    except ConnectionLost as error:
        _hold_for_sync_user(jobs, error, settlement)
        return []
    except SalesforceError as error:
        settlement.settle_unsent(jobs, error)
        return []
    ready = []
    for job in jobs:
        try:
            each = _compose_one(job, known.get(job.recipient, Known()), sender, settlement)
        except Exception as error:
            _fail_on_own_bug(job, error, settlement)
        else:
            ready += [each] if each else []
    return ready


def _know_people(jobs: Sequence[Job], sender: Sender) -> dict[str, Known]:
    """The people of the jobs' addresses; asks Salesforce only for those that are not remembered."""
    now = timezone.now()
    again = {job.recipient for job in jobs if job.claimed.matched_again}
    wanted = {job.recipient for job in jobs if job.recipient}
    known = find_known(sender.membership.workspace, wanted - again, now)
    missing = wanted - known.keys()
    if missing and len(jobs) >= BATCH // 2:
        ahead = _addresses_ahead(sender) - wanted
        missing |= ahead - find_known(sender.membership.workspace, ahead, now).keys()
    if missing:
        known |= find_people(sender.membership.workspace, sorted(missing), sender.reader, now)
    return known


def _addresses_ahead(sender: Sender) -> set[str]:
    due = DueJob.objects.filter(connection=sender.connection, due_at__lte=timezone.now(), parked=None)
    addresses = due.exclude(job__recipient="").order_by().values_list("job__recipient", flat=True)
    return set(addresses.distinct()[:LOOK_AHEAD])


def _compose_one(job: Job, known: Known, sender: Sender, settlement: Settlement) -> Ready | None:
    match = choose(known.candidates, sender.rules, known.chosen_id)
    candidates = [{"type": each.kind, "id": each.id, "name": each.name} for each in known.candidates]
    if not isinstance(match, Match):
        settlement.traces[job.pk] = {"settings_version": sender.settings.version, "candidates": candidates}
        if isinstance(match, Ambiguous):
            detail = ", ".join(match.names)
            settlement.finish(job, SyncState.SKIPPED, Reason.AMBIGUOUS, detail, Related())
        else:
            settlement.finish(job, SyncState.SKIPPED, Reason.NO_MATCH, related=Related())
        return None
    composed = compose(job.draft, match, sender.schema_of(job.object_type), sender.style)
    related = _related(match, composed)
    trace = {"candidates": candidates, "match": related.to_json(), "related_rule": match.related_rule}
    settlement.traces[job.pk] = _trace(sender, composed) | trace
    return Ready(job, "create", composed.record, related, account_id=match.account_id)


def _related(match: Match, composed: Composed) -> Related:
    """What the log shows: only what is in the record."""
    has_what = "WhatId" in composed.record
    return Related(
        person_type=match.person_type,
        person_id=match.person_id,
        person_name=match.person_name,
        related_type=match.related_type if has_what else "",
        related_id=match.related_id if has_what else "",
        related_name=match.related_name if has_what else "",
        match_rule=match.rule,
    )


def _trace(sender: Sender, composed: Composed) -> dict[str, Any]:
    return {
        "settings_version": sender.settings.version,
        "fields": [name for name in composed.record if name != "attributes"],
        "left_out": list(composed.left_out),
    }


def _hold_for_sync_user(jobs: Collection[Job], error: ConnectionLost, settlement: Settlement) -> None:
    """The Sync User cannot read: its loss was noted by the client, and everything is held until it is back."""
    settlement.stops = True
    for job in jobs:
        due_at = settlement.now + HELD_AT_LEAST
        settlement.postpone(job, due_at, state=SyncState.HELD, reason=Reason.NO_SYNC_USER, error_code=error.code)


def _fail_on_own_bug(job: Job, error: Exception, settlement: Settlement) -> None:
    logger.exception("job %s could not be composed", job.pk)
    decision = Decision(Action.FAIL, reason=Reason.INTERNAL_ERROR, error_code=type(error).__name__)
    settlement.stopped.append((job, decision, None))
