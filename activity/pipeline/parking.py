"""Jobs that fail for one cause: after three the others wait, and one of them tries once an hour.

The canary's success lets all of them go, those that failed first included. While nothing of an object type gets
through at all, new jobs wait too without being tried.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from activity.models import DueJob, ErrorGroup, Reason, SyncJob, SyncState
from activity.pipeline.claims import make_due
from activity.pipeline.jobs import Job
from activity.pipeline.outcome import Action, Decision
from activity.pipeline.results import Related
from config.prepared import run_prepared

if TYPE_CHECKING:
    from activity.pipeline.settle import Settlement

FAILURES_BEFORE_PARKING = 3
CANARY_EVERY = timedelta(hours=1)
GROUP_FORGETS_AFTER = timedelta(hours=24)

_HAS_GROUPS = "SELECT EXISTS (SELECT 1 FROM activity_errorgroup WHERE connection_id = %(connection)s)"

Stopped = tuple[Job, Decision, Related | None]


def settle_stopped(settlement: "Settlement") -> None:
    """The jobs that Salesforce refused: failed, or parked with others that fail for the same cause."""
    by_cause: dict[tuple[str, str], list[Stopped]] = defaultdict(list)
    for job, decision, related in settlement.stopped:
        cause = fingerprint(decision.error_code, decision.detail)
        if decision.reason == Reason.INTERNAL_ERROR:
            settlement.fail(job, decision, related)
        else:
            by_cause[job.object_type.value, cause].append((job, decision, related))
    for (object_type, cause), rows in by_cause.items():
        _settle_cause(settlement, object_type, cause, rows)


def _settle_cause(settlement: "Settlement", object_type: str, cause: str, rows: Sequence[Stopped]) -> None:
    decision = rows[0][1]
    group, _ = ErrorGroup.objects.select_for_update().get_or_create(
        connection=settlement.connection,
        object_type=object_type,
        fingerprint=cause,
        defaults={
            "workspace_id": settlement.connection.workspace_id,
            "error_code": decision.error_code[:80],
            "detail": decision.detail[:500],
        },
    )
    if group.next_canary_at is None and group.last_failed_at < settlement.now - GROUP_FORGETS_AFTER:
        group.failures = 0
    may_fail = 0 if decision.action == Action.PARK else max(0, FAILURES_BEFORE_PARKING - group.failures)
    for job, each, related in rows[:may_fail]:
        settlement.fail(job, each, related)
    for job, each, _ in rows[may_fail:]:
        park(settlement, job, group, each)
    group.failures += len(rows)
    group.last_failed_at = settlement.now
    if len(rows) > may_fail:
        group.next_canary_at = group.next_canary_at or settlement.now + CANARY_EVERY
        group.is_total = not any(job.object_type.value == object_type for job in settlement.successes)
    group.save()


def park(settlement: "Settlement", job: Job, group: ErrorGroup, decision: Decision | None = None) -> None:
    """Let the job wait for the group's canary; `decision` is what Salesforce said of this one, when it was tried."""
    settlement.postpone(
        job,
        settlement.now,
        state=SyncState.HELD,
        reason=Reason.SAME_ERROR,
        detail=decision.detail if decision else group.detail,
        error_code=decision.error_code if decision else group.error_code,
        parked_id=group.pk,
        frozen=False,
    )


def park_untried(settlement: "Settlement", jobs: Sequence[Job]) -> list[Job]:
    """While nothing of a type gets through for one cause, only its canary is tried; returns the jobs to try."""
    if not _has_groups(settlement):
        return list(jobs)
    total = ErrorGroup.objects.filter(connection=settlement.connection, is_total=True, next_canary_at__isnull=False)
    groups = {group.object_type: group for group in total}
    left = []
    for job in jobs:
        group = groups.get(job.object_type.value)
        if group is None or group.canary_job_id == job.pk:
            left.append(job)
        else:
            park(settlement, job, group)
    return left


def free_groups(settlement: "Settlement") -> None:
    """Something got through: nothing is total any more, and where it was a canary all its companions follow."""
    if not settlement.successes or not _has_groups(settlement):
        return
    types = {job.object_type.value for job in settlement.successes}
    done = {job.pk for job in settlement.successes}
    groups = ErrorGroup.objects.filter(connection=settlement.connection, object_type__in=types)
    for group in groups:
        if group.canary_job_id in done:
            release_group(group, settlement.now)
        elif group.is_total:
            groups.filter(pk=group.pk).update(is_total=False)


def _has_groups(settlement: "Settlement") -> bool:
    """Whether anything failed on the connection lately: mostly nothing did, and then nothing more is read."""
    [(has_groups,)] = run_prepared(_HAS_GROUPS, {"connection": settlement.connection.pk})
    return has_groups


_VALUES = re.compile(r"[0-9A-Za-z]{15,18}\b|\d+|\"[^\"]*\"|'[^']*'|“[^”]*”")


def fingerprint(code: str, message: str) -> str:
    """The same for two errors with one cause: code and message without ids, numbers and quoted values."""
    return hashlib.sha256(f"{code}\n{_VALUES.sub('*', message)}".encode()).hexdigest()


def release_group(group: ErrorGroup, now: datetime) -> int:
    """The cause is gone: what is parked goes, and so does what failed for it before. Returns how many go."""
    parked = list(DueJob.objects.filter(parked=group).values_list("job", flat=True))
    failed = SyncJob.objects.filter(
        workspace=group.workspace_id,
        state=SyncState.FAILED,
        stopped=Reason.REJECTED,
        error_code=group.error_code,
        object_type=group.object_type,
        owner__connections=group.connection_id,
    )
    same = [
        pk
        for pk, code, detail in failed.values_list("pk", "error_code", "reason_detail")
        if fingerprint(code, detail) == group.fingerprint
    ]
    count = make_due([*parked, *same], group.connection_id, now)
    group.delete()
    return count
