"""After a lost answer: look the record up by its key, and only at the end of the schedule send it again.

A call can run ten minutes at Salesforce after we gave up (Salesforce's limits for API requests), so looking once is
not enough. The schedule is SYNC_LOOKUP_DELAYS, counted from the moment of sending. Look-ups go through queryAll, by
the connection that sent, and ask for what its Salesforce user created.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime

from activity.models import (
    DecisionTrace,
    LoggedRecord,
    ObjectType,
    Outcome,
    Reason,
    SyncAttempt,
    SyncJob,
    SyncState,
)
from activity.pipeline.jobs import Job, Sent, last_sent
from activity.pipeline.results import Finished, Logged, Related
from activity.pipeline.sender import Sender, digest_of
from activity.pipeline.settle import Settlement
from integrations.salesforce.client import FoundRecord, SalesforceClient
from integrations.salesforce.errors import SalesforceError

logger = logging.getLogger(__name__)

BEFORE_SENDING = timedelta(minutes=15)
"""The window of a look-up begins so much earlier, for clocks that differ."""
LOOK_AGAIN = timedelta(seconds=60)
"""A look-up that failed although the schedule is over is repeated after this."""
KNOWN_SAMPLE = 3
KNOWN_FROM = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Lost:
    """A job whose outcome is unknown, with what was sent and when."""

    job: Job
    sent: Sent
    since: datetime

    @property
    def in_call_object(self) -> bool:
        """Whether the record can be found by a field; else its description's last line is compared."""
        return "CallObject" in self.sent.payload

    @property
    def start(self) -> datetime | None:
        """When the Event begins, which narrows its look-up."""
        text = self.sent.payload.get("StartDateTime")
        return parse_datetime(text) if text else None


@dataclass(frozen=True, slots=True)
class Method:
    """Look-ups that one call can answer."""

    object_type: str
    in_call_object: bool
    salesforce_user_id: str


def verify(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> None:
    """Look up the jobs of which nobody knows whether they were written, and settle what can be settled."""
    sent = last_sent([job.pk for job in jobs])
    groups: dict[Method, list[Lost]] = defaultdict(list)
    for job in jobs:
        since = job.claimed.unknown_since or job.claimed.sent_at or settlement.now
        if job.pk not in sent:
            # Nothing was ever handed over: the worker died between the claim and the call.
            settlement.postpone(job, settlement.now, state=SyncState.WAITING, frozen=False)
            continue
        lost = Lost(job, sent[job.pk], since)
        if lost.sent.operation == "update":
            _wait_then_repeat(lost, settlement)
        else:
            user = lost.sent.salesforce_user_id
            groups[Method(job.object_type.value, lost.in_call_object, user)].append(lost)
    for method, members in groups.items():
        _look_up_group(method, members, sender, settlement)


def next_look(since: datetime, now: datetime) -> datetime | None:
    """When to look again; None when the schedule is over and the record may be sent again."""
    times = (since + timedelta(seconds=delay) for delay in settings.SYNC_LOOKUP_DELAYS)
    return next((moment for moment in times if moment > now), None)


def _wait_then_repeat(lost: Lost, settlement: Settlement) -> None:
    """A change can be repeated, but not while the first one may still be on its way: it would undo a later one."""
    due_at = next_look(lost.since, settlement.now)
    if due_at is None:
        settlement.postpone(lost.job, settlement.now, state=SyncState.WAITING, frozen=True)
    else:
        _stay_unknown(lost, due_at, settlement)


def _look_up_group(method: Method, members: list[Lost], sender: Sender, settlement: Settlement) -> None:
    is_last = {lost.job.pk for lost in members if next_look(lost.since, settlement.now) is None}
    sample = _known_sample(method, sender, settlement.now) if is_last else []
    try:
        found = _find(method, members, sample, sender.client)
    except SalesforceError as error:
        logger.warning("look-up for connection %s failed: %s", sender.connection.pk, error)
        settlement.note_call(error)
        _look_later(members, error, settlement)
        return
    settlement.note_call(None)
    by_key: dict[str, list[FoundRecord]] = defaultdict(list)
    for record in found:
        by_key[record.key].append(record)
    is_blind = bool(sample) and not any(each.key in by_key for each in sample)
    related = _related_of([lost.job.pk for lost in members])
    for lost in members:
        records = by_key.get(lost.job.draft.key, [])
        if records:
            _adopt(lost, records, related.get(lost.job.pk), sender, settlement)
        elif lost.job.pk in is_last:
            _end_schedule(lost, is_blind, settlement)
        else:
            _note_look(lost, Outcome.NOT_FOUND, sender, settlement)
            _stay_unknown(lost, next_look(lost.since, settlement.now) or settlement.now, settlement)


def _find(
    method: Method, members: Sequence[Lost], sample: Sequence["KnownRecord"], client: SalesforceClient
) -> list[FoundRecord]:
    keys = [lost.job.draft.key for lost in members] + [each.key for each in sample]
    since = min([*(lost.since for lost in members), *(each.created_at for each in sample)]) - BEFORE_SENDING
    if method.in_call_object:
        return client.find_by_key(method.object_type, keys, created_by=method.salesforce_user_id, since=since)
    starts = None
    if method.object_type == ObjectType.EVENT:
        moments = [*(lost.start for lost in members), *(each.start for each in sample)]
        starts = [moment for moment in dict.fromkeys(moments) if moment]
    return client.find_by_marker(
        method.object_type, keys, created_by=method.salesforce_user_id, since=since, starts=starts
    )


def _look_later(members: Sequence[Lost], error: SalesforceError, settlement: Settlement) -> None:
    """The look-up itself failed: nothing is known, so nothing is sent."""
    for lost in members:
        due_at = next_look(lost.since, settlement.now) or settlement.now + LOOK_AGAIN
        _stay_unknown(lost, due_at, settlement, error.code)


def _stay_unknown(lost: Lost, due_at: datetime, settlement: Settlement, code: str = "") -> None:
    claimed = lost.job.claimed
    settlement.postpone(
        lost.job,
        due_at,
        state=SyncState.UNKNOWN,
        unknown_since=lost.since,
        look_ups=claimed.look_ups + 1,
        error_code=code or lost.job.error_code,
        frozen=True,
    )


def _end_schedule(lost: Lost, is_blind: bool, settlement: Settlement) -> None:
    """Not found at the last look: send again with the same key, unless look-ups do not see what is there."""
    if is_blind:
        settlement.finish(lost.job, SyncState.FAILED, Reason.NEEDS_A_LOOK)
    else:
        settlement.postpone(lost.job, settlement.now, state=SyncState.WAITING, frozen=True)


def _adopt(
    lost: Lost, records: list[FoundRecord], related: Related | None, sender: Sender, settlement: Settlement
) -> None:
    """It was written: keep the oldest, and take back a younger one of ours that nobody touched."""
    kept, *others = sorted(records, key=lambda each: (each.is_deleted, each.created_at, each.id))
    logged = Logged(
        lost.job.pk,
        kept.id,
        lost.sent.salesforce_user_id,
        digest_of(lost.sent.payload),
        lost.in_call_object,
        removed=kept.is_deleted,
    )
    removed = _remove_doubles(others, lost, sender)
    if removed:
        settlement.traces[lost.job.pk] = {"doubles_removed": removed}
    _note_look(lost, Outcome.REMOVED if kept.is_deleted else Outcome.FOUND, sender, settlement, kept.id)
    if kept.is_deleted:
        settlement.records.append(logged)
        settlement.finished.append(
            Finished(lost.job.pk, lost.job.claimed.attempt, SyncState.SKIPPED, Reason.REMOVED, related=related)
        )
    else:
        settlement.succeed(lost.job, logged, related, Outcome.FOUND)


def _remove_doubles(others: Sequence[FoundRecord], lost: Lost, sender: Sender) -> list[str]:
    ours = [
        each.id
        for each in others
        if not each.is_deleted
        and each.modified_at == each.created_at
        and each.created_by == lost.sent.salesforce_user_id
    ]
    if not ours:
        return []
    try:
        results = sender.client.delete_many(ours)
    except SalesforceError as error:
        logger.warning("a double of job %s could not be removed: %s", lost.job.pk, error)
        return []
    return [record_id for record_id, result in zip(ours, results, strict=True) if result.error is None]


def _note_look(lost: Lost, outcome: Outcome, sender: Sender, settlement: Settlement, salesforce_id: str = "") -> None:
    """A look-up is an attempt of its own in the row's timeline."""
    SyncAttempt.objects.bulk_create(
        [
            SyncAttempt(
                workspace_id=sender.connection.workspace_id,
                job_id=lost.job.pk,
                number=lost.job.claimed.attempt,
                operation="look_up",
                connection_id=sender.connection.pk,
                salesforce_user_id=lost.sent.salesforce_user_id,
                outcome=outcome,
                answer=salesforce_id and f'{{"id":"{salesforce_id}"}}',
                started_at=settlement.now,
                ended_at=settlement.now,
            )
        ],
        ignore_conflicts=True,
    )


def _related_of(job_ids: Sequence[int]) -> dict[int, Related]:
    """Whom the records were composed for, from the traces: the row itself is written at the outcome."""
    rows = DecisionTrace.objects.filter(job_id__in=job_ids, content__has_key="match")
    return {pk: Related(**content["match"]) for pk, content in rows.values_list("job_id", "content")}


# --- The health of look-ups -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record that we know is there: a look-up that does not see it sees nothing."""

    key: str
    created_at: datetime
    start: datetime | None


def _known_sample(method: Method, sender: Sender, now: datetime) -> list[KnownRecord]:
    rows = LoggedRecord.objects.filter(
        workspace=sender.connection.workspace_id,
        org_id=sender.org.org_id,
        object_type=method.object_type,
        salesforce_user_id=method.salesforce_user_id,
        in_call_object=method.in_call_object,
        removed_at=None,
        created_at__gt=now - KNOWN_FROM,
    ).order_by("-created_at")[:KNOWN_SAMPLE]
    starts = _starts_of([row.salesforce_id for row in rows]) if method.object_type == ObjectType.EVENT else {}
    return [KnownRecord(row.key, row.created_at, starts.get(row.salesforce_id)) for row in rows]


def _starts_of(salesforce_ids: Sequence[str]) -> dict[str, Any]:
    """When the Events begin, as they were written last."""
    jobs = dict(
        SyncJob.objects.filter(salesforce_id__in=salesforce_ids).order_by("pk").values_list("pk", "salesforce_id")
    )
    starts = {}
    for pk, sent in last_sent(list(jobs)).items():
        starts[jobs[pk]] = parse_datetime(sent.payload.get("StartDateTime", "")) if sent.payload else None
    return starts
