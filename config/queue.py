"""django-q2's ORM broker with two changes: tasks are taken in the order of their time, and can be put off."""

from datetime import datetime
from time import monotonic, sleep
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf

from config.prepared import prepared_cursor

CONNECTION_CHECK = 30.0
"""Seconds between two looks whether the database connection is well; each is a statement of its own."""

_LEASE = """
UPDATE django_q_ormq SET lock = %(until)s WHERE id IN (
    SELECT id FROM django_q_ormq WHERE key = %(key)s AND lock <= %(now)s
    ORDER BY lock, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) RETURNING id, payload
"""


class OrderedQueue(ORM):
    """Gives out the task that is due longest, so that nobody overtakes; no two clusters race for one row."""

    _next_check = 0.0  # monotonic

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Keep no figures of the cluster: the watchdog has its own, and these would be written twice a second."""

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Lease the oldest due tasks, or wait a moment when there is none."""
        if monotonic() >= self._next_check:
            self.get_connection()  # closes a database connection that is broken or old
            self._next_check = monotonic() + CONNECTION_CHECK
        try:
            tasks = self._lease_due()
        except (OperationalError, InterfaceError):  # the connection broke since: once more over a new one
            connection.close()
            tasks = self._lease_due()
        if tasks:
            return tasks
        sleep(Conf.POLL)  # spare the processor while there is nothing to do
        return None

    def _lease_due(self) -> list[tuple[int, str]]:
        """One statement, planned once: this is what an idle queue does four times a second."""
        values = {"until": self.timeout(None), "key": self.list_key, "now": timezone.now(), "limit": Conf.BULK}
        with prepared_cursor() as cursor:
            cursor.execute(_LEASE, values)
            return cursor.fetchall()


class DelayedQueue(ORM):
    """For `async_task(…, broker=DelayedQueue(due_at))`: nobody takes the task out before that time (UTC)."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__()
        self.due_at = due_at

    def enqueue(self, task: Any) -> int:
        """Store the signed task; return its row's id."""
        row = self.get_connection().create(key=self.list_key, payload=task, lock=self.due_at)
        return row.pk
