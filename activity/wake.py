"""Wake-ups of the queue: one at a time for each connection, queued in the transaction that made the work.

The queue is a ticker: what is to be done stands in DueJob. A wake-up that is lost is made up for by the sweep;
one that comes twice finds nothing to do. Tasks are named by their dotted path and get integers only.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection as database
from django.utils import timezone
from django_q.tasks import async_task

from activity.models import WakeUp
from config.prepared import run_prepared
from config.queue import DelayedQueue

LOG_DUE_JOBS = "activity.tasks.log_due_jobs"

SET_WAKE_UPS = """
INSERT INTO activity_wakeup (connection_id, due_at)
{select}
ON CONFLICT (connection_id) DO UPDATE SET due_at = excluded.due_at WHERE activity_wakeup.due_at > excluded.due_at
RETURNING connection_id, due_at
"""
"""Sets and locks the wake-ups that `{select}` gives, in the order of their connections; those it returns are to be
queued (queue_drains)."""
_OTHERS_WAIT = """
SELECT EXISTS (SELECT 1 FROM activity_wakeup WHERE due_at <= %(now)s AND connection_id <> %(connection)s)
"""
_SET = SET_WAKE_UPS.format(select="SELECT id, %(due_at)s FROM unnest(%(ids)s::bigint[]) AS t(id) ORDER BY id")


def wake(*connection_ids: int, due_at: datetime | None = None) -> None:
    """Let the queue drain the connections at `due_at` (UTC; now when None). Call it last in a transaction.

    A connection that has a wake-up in the queue gets a second one only when that comes earlier. The row is locked
    until the commit (also where it stays as it is), so a drain that starts meanwhile waits and sees the new work.
    """
    if not connection_ids:
        return
    due_at = due_at or timezone.now()
    with database.cursor() as cursor:
        cursor.execute(_SET, {"ids": sorted(set(connection_ids)), "due_at": due_at})
        ids = [connection_id for connection_id, _ in cursor.fetchall()]
    queue_drains(ids, due_at)


def queue_drains(connection_ids: Iterable[int], due_at: datetime) -> None:
    """Put the wake-ups into the queue, to be taken out from `due_at` on."""
    for connection_id in connection_ids:
        async_task(LOG_DUE_JOBS, connection_id, broker=DelayedQueue(due_at))


def take(connection_id: int) -> None:
    """The wake-up has arrived: from now on new work queues another one."""
    WakeUp.objects.filter(connection=connection_id).delete()


def others_wait(connection_id: int) -> bool:
    """Whether another connection's wake-up is due, so that a drain should give way after its batch."""
    [(others_wait,)] = run_prepared(_OTHERS_WAIT, {"now": timezone.now(), "connection": connection_id})
    return others_wait
