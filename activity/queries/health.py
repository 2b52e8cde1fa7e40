"""Sync health: what stands still in a workspace, by cause."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum

from activity.counts import count_rows, count_rows_of, sum_rows
from activity.models import Counted, Reason, SyncJob, SyncState
from activity.reasons import Explanation, explain
from workspaces.models import Membership, Workspace

STOPPED = (SyncState.HELD, SyncState.FAILED)


@dataclass(frozen=True, slots=True)
class Cause:
    """Rows that stand still for one reason and one error code; `sample` is the newest of them."""

    reason: Reason
    error_code: str
    state: SyncState
    explanation: Explanation
    rows: int
    people: int
    since: datetime
    last_at: datetime
    sample: uuid.UUID

    @property
    def is_error(self) -> bool:
        """Whether a person must act; else it goes on by itself when the cause is gone."""
        return self.state == SyncState.FAILED


def error_groups(workspace: Workspace) -> list[Cause]:
    """Every cause that stops rows now, errors first, then by the number of rows. Two queries.

    The numbers are the kept ones; of the rows only the oldest and the newest of each cause are read.
    """
    of_people = defaultdict(list)
    for *cause, _owner, rows in _stopped_of_each(workspace):
        of_people[tuple(cause)].append(rows)
    ends = _read_ends(workspace, [(reason, error_code) for reason, error_code, _state in of_people])
    causes = [
        _build_cause(SyncState(state), of_people[reason, error_code, state], *ends[reason, error_code])
        for reason, error_code, state in of_people
        if (reason, error_code) in ends
    ]
    return sorted(causes, key=lambda cause: (not cause.is_error, -cause.rows))


def _stopped_of_each(workspace: Workspace) -> Iterable[tuple[str, str, str, int, int]]:
    """Reason, error code, state, owner and number of what stands still."""
    counts = count_rows_of(Counted.LOG, workspace, workspace.memberships.all())
    stopped = counts.filter(state__in=STOPPED)
    of_each = stopped.values_list("reason", "error_code", "state", "owner")
    return of_each.annotate(number=Sum("rows")).filter(number__gt=0)


def _read_ends(
    workspace: Workspace, causes: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[SyncJob, SyncJob]]:
    """The oldest and the newest row of each cause; a cause whose rows have just gone is not there."""
    if not causes:
        return {}
    rows = [jobs_of_cause(workspace, *cause).select_related("activity") for cause in causes]
    first, *others = [each.order_by(order)[:1] for each in rows for order in ("id", "-id")]
    ends = defaultdict(list)
    for job in first.union(*others, all=True):
        ends[job.reason, job.error_code].append(job)
    return {cause: (min(found, key=_age), max(found, key=_age)) for cause, found in ends.items()}


def _age(job: SyncJob) -> int:
    return job.pk


def jobs_of_cause(workspace: Workspace, reason: str, error_code: str) -> QuerySet[SyncJob]:
    """The rows that stand still for one cause."""
    return workspace.sync_jobs.filter(stopped=reason, error_code=error_code)


def count_of_cause(workspace: Workspace, reason: str, error_code: str, owner: Membership) -> int:
    """How many rows of one person stand still for one cause."""
    stopped = count_rows(Counted.LOG, workspace, owner).filter(state__in=STOPPED)
    return sum_rows(stopped.filter(reason=reason, error_code=error_code))


def _build_cause(state: SyncState, of_people: Sequence[int], oldest: SyncJob, newest: SyncJob) -> Cause:
    detail = "" if newest.activity.is_private else newest.reason_detail
    return Cause(
        reason=Reason(newest.reason),
        error_code=newest.error_code,
        state=state,
        explanation=explain(newest.reason, detail, newest),
        rows=sum(of_people),
        people=len(of_people),
        since=oldest.created_at,
        last_at=newest.created_at,
        sample=newest.uuid,
    )
