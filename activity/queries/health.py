"""Sync health: what stands still in a workspace, by cause."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, QuerySet

from activity.models import Reason, SyncJob, SyncState
from activity.reasons import Explanation, explain
from workspaces.models import Workspace

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

    Reads the partial index `log_stopped`, whose rows are few in a healthy workspace.
    """
    stopped = workspace.sync_jobs.filter(stopped__isnull=False)
    groups = list(
        stopped.order_by()
        .values("reason", "error_code", "state")
        .annotate(
            rows=Count("id"),
            people=Count("owner", distinct=True),
            since=Min("created_at"),
            last_at=Max("created_at"),
            newest=Max("id"),
        )
    )
    newest = [group["newest"] for group in groups]
    samples = {job.pk: job for job in stopped.select_related("activity").filter(pk__in=newest)}
    causes = [_build_cause(group, samples[group["newest"]]) for group in groups if group["newest"] in samples]
    return sorted(causes, key=lambda cause: (not cause.is_error, -cause.rows))


def jobs_of_cause(workspace: Workspace, reason: str, error_code: str) -> QuerySet[SyncJob]:
    """The rows that stand still for one cause."""
    return workspace.sync_jobs.filter(stopped=reason, error_code=error_code)


def _build_cause(group: dict, sample: SyncJob) -> Cause:
    detail = "" if sample.activity.is_private else sample.reason_detail
    return Cause(
        reason=Reason(group["reason"]),
        error_code=group["error_code"],
        state=SyncState(group["state"]),
        explanation=explain(sample.reason, detail, sample),
        rows=group["rows"],
        people=group["people"],
        since=group["since"],
        last_at=group["last_at"],
        sample=sample.uuid,
    )
