"""django-q2's ORM broker with two changes: tasks are taken in the order of their time, and can be put off."""

from datetime import datetime
from time import sleep
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf


class OrderedQueue(ORM):
    """Gives out the task that is due longest, so that nobody overtakes; no two clusters race for one row."""

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Lease the oldest due tasks, or wait a moment when there is none."""
        rows = self.get_connection()
        with transaction.atomic(using=Conf.ORM):
            due = rows.filter(key=self.list_key, lock__lte=timezone.now()).order_by("lock", "id")
            tasks = list(due.select_for_update(skip_locked=True)[: Conf.BULK])
            rows.filter(pk__in=[task.pk for task in tasks]).update(lock=self.timeout(None))
        if tasks:
            return [(task.pk, task.payload) for task in tasks]
        sleep(Conf.POLL)  # spare the processor while there is nothing to do
        return None


class DelayedQueue(ORM):
    """For `async_task(…, broker=DelayedQueue(due_at))`: nobody takes the task out before that time (UTC)."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__()
        self.due_at = due_at

    def enqueue(self, task: Any) -> int:
        """Store the signed task; return its row's id."""
        row = self.get_connection().create(key=self.list_key, payload=task, lock=self.due_at)
        return row.pk
