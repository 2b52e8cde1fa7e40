"""Holding what cannot flow, and letting it flow in order when the cause is gone.

A held job of a member who has (or had) a connection keeps its DueJob; no worker claims it, because drains stop
before the claim as long as the member's standing names an obstacle.
"""

from collections.abc import Iterable

from django.db import connection as database
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from activity.models import DueJob, Reason, SyncJob, SyncState
from activity.pipeline.claims import make_due
from activity.pipeline.results import Finished, finish
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


_RESTATE = """
UPDATE activity_syncjob SET state = %s, reason = %s, reason_detail = %s, changed_at = %s
WHERE id IN ({which} FOR UPDATE OF activity_syncjob SKIP LOCKED)
"""


def _restate(jobs: QuerySet[SyncJob], state: SyncState, reason: str = "", detail: str = "") -> int:
    """Write state and reason; returns how many changed.

    Rows that a worker is writing just now are left to it: who waited for them could block it and be blocked by it.
    """
    which, params = jobs.order_by().values("pk").query.sql_with_params()
    with database.cursor() as cursor:
        cursor.execute(_RESTATE.format(which=which), [state, reason, detail, timezone.now(), *params])
        return cursor.rowcount


def hold_connection(connection: Connection, reason: Reason, detail: str = "", priority_above: int = -1) -> int:
    """Hold what waits for the connection; returns how many changed. Unknown outcomes stay unknown.

    priority_above: only the jobs that are less urgent than this.
    """
    due = DueJob.objects.filter(connection=connection, parked=None, priority__gt=priority_above)
    jobs = SyncJob.objects.filter(pk__in=due.values("job"), state__in=(SyncState.WAITING, SyncState.HELD))
    return _restate(
        jobs.exclude(state=SyncState.HELD, reason=reason, reason_detail=detail), SyncState.HELD, reason, detail
    )


def hold_workspace(workspace: Workspace, reason: Reason) -> int:
    """Hold everything of the workspace that waits; returns how many changed."""
    due = DueJob.objects.filter(workspace=workspace, parked=None).values("job")
    return _restate(SyncJob.objects.filter(pk__in=due, state=SyncState.WAITING), SyncState.HELD, reason)


def hold_org(org_id: str, reason: Reason) -> int:
    """Hold everything that waits for an org, in all workspaces; returns how many changed."""
    due = DueJob.objects.filter(connection__org__org_id=org_id, parked=None).values("job")
    return _restate(SyncJob.objects.filter(pk__in=due, state=SyncState.WAITING), SyncState.HELD, reason)


def unhold_org(org_id: str) -> int:
    """The org answers again; returns how many changed."""
    due = DueJob.objects.filter(connection__org__org_id=org_id).values("job")
    held = SyncJob.objects.filter(pk__in=due, state=SyncState.HELD, reason__in=ORG_REASONS)
    return _restate(held, SyncState.WAITING)


def unhold_connection(connection: Connection) -> int:
    """The org takes calls again: what was held for that waits its turn. Returns how many changed."""
    held = SyncJob.objects.filter(
        workspace=connection.workspace_id, state=SyncState.HELD, stopped__in=ORG_REASONS, due__connection=connection
    )
    return _restate(held, SyncState.WAITING)


def skip_member(membership: Membership) -> int:
    """The member left: what was not sent yet is not sent, and what may have been sent is for somebody to look at.

    Their grant has ended, so nobody can look it up. What a worker has in hand is left to it: call it again later.
    """
    open_jobs = SyncJob.objects.filter(owner=membership, state__in=(SyncState.WAITING, SyncState.HELD))
    with transaction.atomic():
        free = DueJob.objects.filter(job__owner=membership).select_for_update(skip_locked=True, of=("self",))
        unsent = free.filter(job__in=open_jobs, sent_at=None, unknown_since=None)
        DueJob.objects.filter(pk__in=list(unsent.values_list("pk", flat=True))).delete()
        lost = free.exclude(sent_at=None, unknown_since=None).exclude(leased=True, due_at__gt=timezone.now())
        ended = [
            Finished(pk, attempt, SyncState.FAILED, Reason.NEEDS_A_LOOK)
            for pk, attempt in lost.values_list("pk", "attempt")
        ]
        finish(ended, timezone.now())
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
    if not owners:
        return 0
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
        _restate(stale, SyncState.HELD, standing.reason or Reason.NOT_CONNECTED, standing.detail)
        return 0
    if not other_user:
        held = held.exclude(pk__in=_of_another_user(held, standing.connection).values("job"))
    return make_due(list(held.values_list("pk", flat=True)), standing.connection.pk, timezone.now())


def release_restored(connection: Connection) -> int:
    """The member's connection works (again): let everything flow that was held for it, in its order.

    What stayed with former connections comes along, however far it had got there. Returns how many flow.
    """
    if connection.membership is None:
        return 0
    _take_over(connection)
    return release_held(connection.workspace, *STANDING_REASONS, owner=connection.membership)


def _take_over(connection: Connection) -> None:
    """Only the same Salesforce user can look up what was sent; the rest is held, so that it is released as usual."""
    left = DueJob.objects.filter(connection__membership=connection.membership).exclude(connection=connection)
    with transaction.atomic():
        lost = left.exclude(sent_at=None, unknown_since=None)
        same_user = lost.filter(connection__salesforce_user=connection.salesforce_user_id)
        free = same_user.select_for_update(skip_locked=True, of=("self",))
        DueJob.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(connection=connection)
        in_hand = Q(leased=True, due_at__gt=timezone.now())
        unsent = left.filter(sent_at=None, unknown_since=None).exclude(in_hand)
        jobs = SyncJob.objects.filter(pk__in=unsent.values("pk"), state__in=(SyncState.WAITING, SyncState.HELD))
        _restate(jobs.exclude(stopped__in=STANDING_REASONS), SyncState.HELD, Reason.NOT_CONNECTED)


def _of_another_user(held: QuerySet[SyncJob], connection: Connection) -> QuerySet[DueJob]:
    """Held jobs that were meant for another Salesforce user than the connection's."""
    return DueJob.objects.filter(job__in=held).exclude(connection__salesforce_user=connection.salesforce_user_id)


def _wake_freed(standings: Iterable[Standing]) -> None:
    wake(*(each.connection.pk for each in standings if each.reason is None and each.connection))
