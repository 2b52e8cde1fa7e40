"""After a lost answer: look the record up by its key, and only at the end of the schedule send it again.

A call can run ten minutes at Salesforce after we gave up (Salesforce's limits for API requests), so looking once is
not enough. The schedule is SYNC_LOOKUP_DELAYS, counted from the moment of sending. Look-ups go through queryAll, by
the connection that sent, and ask for what its Salesforce user created.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from activity.models import LoggedRecord, ObjectType, Outcome, Reason, SyncAttempt, SyncState
from activity.pipeline.jobs import Job, Sent, last_sent, matched_before, records_by_id
from activity.pipeline.results import Finished, Logged, Related
from activity.pipeline.sender import Sender, digest_of
from activity.pipeline.settle import Settlement
from integrations.salesforce.client import FoundRecord, SalesforceClient
from integrations.salesforce.errors import Rejected, SalesforceError, UnexpectedAnswer

logger = logging.getLogger(__name__)

BEFORE_SENDING = timedelta(minutes=15)
"""The window of a look-up begins so much earlier, for clocks that differ."""
LOOK_AGAIN = timedelta(seconds=60)
"""A look-up that failed although the schedule is over is repeated after this."""
CLOCKS_MAY_DIFFER = timedelta(minutes=5)
KNOWN_SAMPLE = 3
KNOWN_FROM = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Lost:
    """A job whose outcome is unknown, with what was sent and when.

    `in_call_object`: the record can be found by a field; else its description's last line is compared.
    """

    job: Job
    sent: Sent
    since: datetime
    in_call_object: bool

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
    changes: list[Lost] = []
    for job in jobs:
        since = job.claimed.unknown_since or job.claimed.sent_at or settlement.now
        if job.pk not in sent:
            # Nothing was ever handed over: the worker died between the claim and the call.
            settlement.postpone(job, settlement.now, state=SyncState.WAITING, frozen=False)
            continue
        lost = Lost(job, sent[job.pk], since, _is_in_call_object(job, sent[job.pk], sender))
        if lost.sent.operation == "update":
            changes.append(lost)
        else:
            user = lost.sent.salesforce_user_id
            groups[Method(job.object_type.value, lost.in_call_object, user)].append(lost)
    _wait_then_repeat(changes, sender, settlement)
    for method, members in groups.items():
        _look_up_group(method, members, sender, settlement)


def next_look(since: datetime, now: datetime) -> datetime | None:
    """When to look again; None when the schedule is over and the record may be sent again."""
    times = (since + timedelta(seconds=delay) for delay in settings.SYNC_LOOKUP_DELAYS)
    return next((moment for moment in times if moment > now), None)


def _is_in_call_object(job: Job, sent: Sent, sender: Sender) -> bool:
    if sent.payload:
        return "CallObject" in sent.payload
    return job.object_type == ObjectType.TASK and sender.org.use_call_object  # erased: where it most probably is


def _wait_then_repeat(changes: Sequence[Lost], sender: Sender, settlement: Settlement) -> None:
    """A change can be repeated, but not while the first one may still be on its way: it would undo a later one."""
    over = []
    for lost in changes:
        due_at = next_look(lost.since, settlement.now)
        if due_at is None:
            settlement.postpone(lost.job, settlement.now, state=SyncState.WAITING, frozen=True)
            over.append(lost.sent.payload.get("Id", ""))
        else:
            _stay_unknown(lost, due_at, settlement)
    # Nobody knows what the records say, so no later change may be taken for one that changes nothing.
    for logged in records_by_id(sender.connection.workspace_id, over).values():
        settlement.changed_records[logged.pk] = ""


def _look_up_group(method: Method, members: list[Lost], sender: Sender, settlement: Settlement) -> None:
    is_last = {lost.job.pk for lost in members if next_look(lost.since, settlement.now) is None}
    sample = _known_sample(method, sender, settlement.now) if is_last else []
    try:
        found = _find(method, members, sample, sender.client, is_last=bool(is_last))
    except SalesforceError as error:
        logger.warning("look-up for connection %s failed: %s", sender.connection.pk, error)
        settlement.note_call(error)
        _look_later(members, error, settlement, is_last)
        return
    settlement.note_call(None)
    by_key: dict[str, list[FoundRecord]] = defaultdict(list)
    for record in found:
        by_key[record.key].append(record)
    is_blind = bool(sample) and not any(each.key in by_key for each in sample)
    related = matched_before([lost.job.pk for lost in members])
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
    method: Method,
    members: Sequence[Lost],
    sample: Sequence[LoggedRecord],
    client: SalesforceClient,
    *,
    is_last: bool,
) -> list[FoundRecord]:
    since = min([*(lost.since for lost in members), *(each.created_at for each in sample)]) - BEFORE_SENDING
    found = _find_since(since, method, members, sample, client, is_last=is_last)
    # Salesforce's clock, by which records are dated, is known from its answer.
    ahead = timezone.now() - (client.server_date or timezone.now())
    if ahead <= CLOCKS_MAY_DIFFER:
        return found
    return _find_since(since - ahead, method, members, sample, client, is_last=is_last)


def _find_since(
    since: datetime,
    method: Method,
    members: Sequence[Lost],
    sample: Sequence[LoggedRecord],
    client: SalesforceClient,
    *,
    is_last: bool,
) -> list[FoundRecord]:
    keys = [lost.job.draft.key for lost in members] + [each.key for each in sample]
    if method.in_call_object:
        return client.find_by_key(method.object_type, keys, created_by=method.salesforce_user_id, since=since)
    starts = [start for lost in members if (start := lost.start)]
    if is_last or len(starts) < len(members):
        starts = None  # somebody may have moved the Event: before it is sent again, all are read
    return client.find_by_marker(
        method.object_type, keys, created_by=method.salesforce_user_id, since=since, starts=starts
    )


def _look_later(
    members: Sequence[Lost], error: SalesforceError, settlement: Settlement, is_last: Collection[int]
) -> None:
    """The look-up itself failed: nothing is known, so nothing is sent."""
    for lost in members:
        if lost.job.pk in is_last and isinstance(error, Rejected | UnexpectedAnswer):
            _end_schedule(lost, True, settlement)  # it would be refused for ever
            continue
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
    elif not lost.sent.payload:
        settlement.finish(lost.job, SyncState.SKIPPED, Reason.NOT_LOGGED_BY_PERSON)
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
        digest_of(lost.sent.payload) if lost.sent.payload else "",
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


def _known_sample(method: Method, sender: Sender, now: datetime) -> list[LoggedRecord]:
    """Records that we know are there: a look-up that does not see them sees nothing."""
    known = LoggedRecord.objects.filter(
        workspace=sender.connection.workspace_id,
        org_id=sender.org.org_id,
        object_type=method.object_type,
        salesforce_user_id=method.salesforce_user_id,
        in_call_object=method.in_call_object,
        removed_at=None,
        created_at__gt=now - KNOWN_FROM,
    )
    return list(known.order_by("-created_at")[:KNOWN_SAMPLE])
