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


def release_leases() -> None:
    """Let the tasks that a killed cluster had fetched be fetched again now, not when their lease runs out.

    It cannot be told from those of other machines' clusters: a task of theirs may run twice, as any may.
    """
    try:
        OrmQ.objects.filter(key=Conf.CLUSTER_NAME, lock__gt=timezone.now()).update(lock=timezone.now())
    except DatabaseError:
        connection.close()
