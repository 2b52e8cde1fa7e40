"""The watchdog's look at the queue's table."""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ


def is_database_there() -> bool:
    """Whether the database answers; a broken connection is dropped, so that the next question opens a new one."""
    try:
        connection.close_if_unusable_or_obsolete()
        connection.ensure_connection()
    except DatabaseError:
        connection.close()
        return False
    return True


def has_overdue_tasks(seconds: float) -> bool:
    """Whether a task has been free to be fetched for so long and no cluster fetched it."""
    try:
        due = timezone.now() - timedelta(seconds=seconds)
        return OrmQ.objects.filter(key=Conf.CLUSTER_NAME, lock__lt=due).exists()
    except DatabaseError:
        connection.close()
        return False  # what the database cannot say is no fault of the workers


def release_leases(age: float) -> None:
    """Let the tasks that were fetched in the last `age` seconds be fetched again now, not after their lease.

    Called when a cluster was killed. A lease does not say whose it is: a task of another machine's cluster may
    run twice, and one put off until then may run early; tasks are wake-ups, which bear both.
    """
    now = timezone.now()
    leased = now + timedelta(seconds=Conf.RETRY - age)
    try:
        OrmQ.objects.filter(key=Conf.CLUSTER_NAME, lock__gt=max(leased, now)).filter(
            lock__lte=now + timedelta(seconds=Conf.RETRY)
        ).update(lock=now)
    except DatabaseError:
        connection.close()
