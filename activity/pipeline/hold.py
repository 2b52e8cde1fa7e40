"""Holding what cannot flow, and letting it flow in order when the cause is gone.

A held job of a member who has (or had) a connection keeps its DueJob; no worker claims it, because drains stop
before the claim as long as the member's standing names an obstacle.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from activity.models import DueJob, Reason, SyncJob, SyncState
from activity.pipeline.claims import make_due
from activity.pipeline.standing import Standing, standings_of
from activity.wake import wake
from integrations.models import Connection
from workspaces.models import Membership, Workspace

STANDING_REASONS = (
    Reason.PLAN,
    Reason.NO_SYNC_USER,
    Reason.NOT_CONFIRMED,
    Reason.NOT_CONNECTED,
    Reason.CONNECTION_LOST,
)
"""Held until somebody does something: connects, confirms, pays."""
ORG_REASONS = (Reason.API_LIMIT, Reason.OVER_BUDGET, Reason.SALESFORCE_DOWN)
"""Held until the org takes calls again; the sweep tries by itself."""


def hold_connection(connection: Connection, reason: Reason, detail: str = "", priority_above: int = -1) -> int:
    """Hold what waits for the connection; returns how many changed. Unknown outcomes stay unknown.

    priority_above: only the jobs that are less urgent than this.
    """
    due = DueJob.objects.filter(connection=connection, parked=None, priority__gt=priority_above)
    jobs = SyncJob.objects.filter(pk__in=due.values("job"), state__in=(SyncState.WAITING, SyncState.HELD))
    return jobs.exclude(state=SyncState.HELD, reason=reason, reason_detail=detail).update(
        state=SyncState.HELD, reason=reason, reason_detail=detail, changed_at=timezone.now()
    )


def hold_workspace(workspace: Workspace, reason: Reason) -> int:
    """Hold everything of the workspace that waits; returns how many changed."""
    due = DueJob.objects.filter(workspace=workspace, parked=None).values("job")
    waiting = SyncJob.objects.filter(pk__in=due, state=SyncState.WAITING)
    return waiting.update(state=SyncState.HELD, reason=reason, changed_at=timezone.now())


def hold_org(org_id: str, reason: Reason) -> int:
    """Hold everything that waits for an org, in all workspaces; returns how many changed."""
    due = DueJob.objects.filter(connection__org__org_id=org_id, parked=None).values("job")
    waiting = SyncJob.objects.filter(pk__in=due, state=SyncState.WAITING)
    return waiting.update(state=SyncState.HELD, reason=reason, reason_detail="", changed_at=timezone.now())


def unhold_org(org_id: str) -> int:
    """The org answers again; returns how many changed."""
    due = DueJob.objects.filter(connection__org__org_id=org_id).values("job")
    held = SyncJob.objects.filter(pk__in=due, state=SyncState.HELD, reason__in=ORG_REASONS)
    return held.update(state=SyncState.WAITING, reason="", reason_detail="", changed_at=timezone.now())


def unhold_connection(connection: Connection) -> int:
    """The org takes calls again: what was held for that waits its turn. Returns how many changed."""
    held = SyncJob.objects.filter(
        workspace=connection.workspace_id, state=SyncState.HELD, stopped__in=ORG_REASONS, due__connection=connection
    )
    return held.update(state=SyncState.WAITING, reason="", reason_detail="", changed_at=timezone.now())


def skip_member(membership: Membership) -> int:
    """The member left: what was not sent yet is not sent; unknown outcomes are still looked up."""
    open_jobs = SyncJob.objects.filter(owner=membership, state__in=(SyncState.WAITING, SyncState.HELD))
    with transaction.atomic():
        DueJob.objects.filter(job__in=open_jobs, sent_at=None, unknown_since=None).delete()
        return open_jobs.filter(due=None).update(
            state=SyncState.SKIPPED, reason=Reason.MEMBER_LEFT, changed_at=timezone.now(), finished_at=timezone.now()
        )


def release_held(
    workspace: Workspace, *reasons: Reason, owner: Membership | None = None, other_salesforce_user: bool = False
) -> int:
    """Let the jobs that are held for these reasons (all standing reasons when none is named) flow where nothing else
    stands in the way; the others are held for what does. Returns how many flow.

    What was held because a connection was lost flows by itself only into the same Salesforce user:
    `other_salesforce_user` lets it go to another one, when a person asked for it.
    """
    held = SyncJob.objects.filter(workspace=workspace, state=SyncState.HELD, stopped__in=reasons or STANDING_REASONS)
    if owner is not None:
        held = held.filter(owner=owner)
    owners = list(
        Membership.objects.filter(pk__in=held.order_by().values("owner").distinct()).select_related("role", "user")
    )
    with transaction.atomic():
        standings = standings_of(workspace, owners)
        freed = sum(
            _release(membership, standings[membership.pk], reasons or STANDING_REASONS, other_salesforce_user)
            for membership in owners
        )
        _wake_freed(standings.values())
    return freed


def _release(membership: Membership, standing: Standing, reasons: Iterable[Reason], other_user: bool) -> int:
    held = SyncJob.objects.filter(
        workspace=membership.workspace_id, owner=membership, state=SyncState.HELD, stopped__in=tuple(reasons)
    )
    if standing.reason is not None or standing.connection is None:
        stale = held.exclude(reason=standing.reason, reason_detail=standing.detail)
        stale.update(reason=standing.reason, reason_detail=standing.detail, changed_at=timezone.now())
        return 0
    if not other_user:
        held = held.exclude(pk__in=_of_another_user(held, standing.connection).values("job"))
    return make_due(list(held.values_list("pk", flat=True)), standing.connection.pk, timezone.now())


def _of_another_user(held: QuerySet[SyncJob], connection: Connection) -> QuerySet[DueJob]:
    """Held jobs that were meant for another Salesforce user than the connection's."""
    return DueJob.objects.filter(job__in=held).exclude(connection__salesforce_user=connection.salesforce_user_id)


def _wake_freed(standings: Iterable[Standing]) -> None:
    wake(*(each.connection.pk for each in standings if each.reason is None and each.connection))
