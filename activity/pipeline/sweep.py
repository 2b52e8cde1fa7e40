"""Each minute: what guarantees that nothing stays behind, whatever became of wake-ups and workers."""

from datetime import datetime, timedelta

from django.db import connection as database
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_q.models import OrmQ

from activity.models import Drain, DueJob, ErrorGroup, Reason, SyncJob, SyncState, WakeUp
from activity.new_people.look_up import queue_look_ups
from activity.pipeline.hold import (
    STANDING_REASONS,
    hold_connection,
    release_held,
    release_restored,
    skip_member,
)
from activity.pipeline.parking import CANARY_EVERY
from activity.wake import queue_drains, wake
from integrations.models import Connection, ConnectionState
from workspaces.models import Workspace

LOST_AFTER = timedelta(minutes=2)
STRAGGLERS_COME_FOR = timedelta(hours=1)
"""Longer than a worker's lease."""
CONNECTIONS_AT_ONCE = 1_000


def sweep() -> int:
    """Wake every connection that has something due; returns how many wake-ups were queued."""
    now = timezone.now()
    _release_what_can_flow()
    _gather_stragglers(now)
    send_canaries(now)
    queue_look_ups(now)
    Drain.objects.filter(until__lt=now - timedelta(hours=1)).delete()
    return _wake_due(now) + _requeue_lost(now)


_DUE = """
WITH due AS (
    SELECT d.workspace_id, d.connection_id, min(d.due_at) AS due_at FROM activity_duejob d
    WHERE d.due_at <= %(now)s AND d.parked_id IS NULL
    GROUP BY d.workspace_id, d.connection_id
), open AS (
    SELECT due.*, row_number() OVER (PARTITION BY due.workspace_id ORDER BY due.due_at) AS turn
    FROM due
    JOIN integrations_connection c ON c.id = due.connection_id AND c.state = %(connected)s
    JOIN integrations_salesforceorg o ON o.id = c.org_id
    LEFT JOIN integrations_apiusage u ON u.org_id = o.org_id
    LEFT JOIN activity_wakeup w ON w.connection_id = due.connection_id
    LEFT JOIN activity_drain r ON r.connection_id = due.connection_id AND r.until > %(now)s
    WHERE w.connection_id IS NULL AND r.connection_id IS NULL
      AND (u.paused_until IS NULL OR u.paused_until <= %(now)s)
)
SELECT connection_id FROM open ORDER BY turn, due_at LIMIT %(limit)s
"""


def _wake_due(now: datetime) -> int:
    """Round robin over the workspaces: each one's longest waiting connection, then each one's second, and so on."""
    with database.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "connected": ConnectionState.CONNECTED, "limit": CONNECTIONS_AT_ONCE})
        ids = [connection_id for (connection_id,) in cursor.fetchall()]
    for position, connection_id in enumerate(ids):
        with transaction.atomic():
            wake(connection_id, due_at=now + timedelta(milliseconds=position))
    return len(ids)


def _requeue_lost(now: datetime) -> int:
    """Wake-ups that are long due while the queue has nothing left to give out were lost."""
    if OrmQ.objects.filter(lock__lte=now).exists():
        return 0
    lost = list(WakeUp.objects.filter(due_at__lt=now - LOST_AFTER).values_list("connection", flat=True))
    with transaction.atomic():
        WakeUp.objects.filter(connection__in=lost).update(due_at=now)
        queue_drains(lost, now)
    return len(lost)


def _release_what_can_flow() -> None:
    """Held jobs whose cause is gone although nobody told us, for instance after a change of plan."""
    held = SyncJob.objects.filter(
        state=SyncState.HELD, stopped__in=(Reason.PLAN, Reason.NOT_CONFIRMED, Reason.NO_SYNC_USER)
    )
    for workspace in Workspace.objects.filter(pk__in=held.order_by().values("workspace").distinct()):
        release_held(workspace, *STANDING_REASONS)


def _gather_stragglers(now: datetime) -> None:
    """What was written down, or came back from a worker, at the moment when a connection ended or began to work."""
    of_members = Connection.objects.without_secrets().filter(membership__isnull=False)
    of_members = of_members.select_related("membership", "workspace")
    began = Q(connected_at__gt=now - STRAGGLERS_COME_FOR) | Q(preflight_at__gt=now - LOST_AFTER)
    for connection in of_members.filter(began, state=ConnectionState.CONNECTED):
        release_restored(connection)
    for connection in of_members.filter(disconnected_at__gt=now - STRAGGLERS_COME_FOR):
        if connection.membership.left_at is not None:
            skip_member(connection.membership)
        else:
            hold_connection(connection, Reason.NOT_CONNECTED)


def send_canaries(now: datetime) -> int:
    """Let one job of each parked group try, once an hour; returns how many do."""
    due = list(ErrorGroup.objects.filter(next_canary_at__lte=now).values_list("pk", flat=True))
    return sum(send_canary(pk, now) for pk in due)


@transaction.atomic
def send_canary(group_id: int, now: datetime) -> bool:
    """Let the group's oldest job try now; a group without parked jobs is forgotten."""
    group = ErrorGroup.objects.select_for_update().filter(pk=group_id).first()
    if group is None:
        return False
    oldest = DueJob.objects.filter(parked=group).order_by("job").first()
    if oldest is None:
        if group.last_failed_at < now - CANARY_EVERY:
            group.delete()
        return False
    DueJob.objects.filter(pk=oldest.pk).update(parked=None, due_at=now)
    group.canary_job_id = oldest.pk
    group.next_canary_at = now + CANARY_EVERY
    group.save(update_fields=["canary_job_id", "next_canary_at"])
    wake(group.connection_id)
    return True
