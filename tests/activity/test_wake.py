"""Wake-ups: one at a time for each connection, in the order of their time."""

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ

from activity import wake
from activity.models import WakeUp
from config.queue import OrderedQueue
from integrations.models import Connection


def queued() -> list[tuple]:
    return [(row.task["func"], row.task["args"]) for row in OrmQ.objects.order_by("lock")]


def test_one_at_a_time(bens_connection: Connection) -> None:
    later = timezone.now() + timedelta(seconds=5)
    wake.wake(bens_connection.pk, due_at=later)
    wake.wake(bens_connection.pk, due_at=later + timedelta(seconds=5))
    wake.wake(bens_connection.pk, bens_connection.pk, due_at=later)

    assert queued() == [("activity.tasks.log_due_jobs", (bens_connection.pk,))]
    assert OrmQ.objects.get().lock == later


def test_a_second_one_only_when_it_comes_earlier(bens_connection: Connection) -> None:
    now = timezone.now()
    wake.wake(bens_connection.pk, due_at=now + timedelta(minutes=1))
    wake.wake(bens_connection.pk, due_at=now)

    assert list(OrmQ.objects.order_by("lock").values_list("lock", flat=True)) == [now, now + timedelta(minutes=1)]


def test_after_it_has_arrived_another_one_is_queued(bens_connection: Connection) -> None:
    wake.wake(bens_connection.pk)
    wake.take(bens_connection.pk)
    wake.wake(bens_connection.pk)

    assert len(queued()) == 2


def test_nothing_is_queued_when_the_transaction_fails(bens_connection: Connection) -> None:
    def fail() -> None:
        with transaction.atomic():
            wake.wake(bens_connection.pk)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert queued() == []
    assert not WakeUp.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_the_same_time_queue_one(bens_connection: Connection) -> None:
    gate, due_at = threading.Barrier(6), timezone.now()

    def run() -> None:
        try:
            gate.wait()
            with transaction.atomic():
                wake.wake(bens_connection.pk, due_at=due_at)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(queued()) == 1


def test_the_queue_gives_out_what_is_due_longest(bens_connection: Connection) -> None:
    now = timezone.now()
    ids = [bens_connection.pk, bens_connection.org.sync_user_id]
    wake.wake(ids[0], due_at=now - timedelta(seconds=1))
    wake.wake(ids[1], due_at=now - timedelta(seconds=9))
    broker = get_broker()
    assert isinstance(broker, OrderedQueue)

    taken = [broker.dequeue()[0][0] for _ in range(2)]

    rows = {row.pk: row.task["args"] for row in OrmQ.objects.all()}
    assert [rows[pk] for pk in taken] == [(ids[1],), (ids[0],)]
    assert broker.dequeue() is None  # both are leased


@pytest.mark.django_db(transaction=True)
def test_the_queue_goes_on_when_its_connection_breaks(bens_connection: Connection) -> None:
    broker = get_broker()
    assert broker.dequeue() is None
    wake.wake(bens_connection.pk)
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()

    def break_connection() -> None:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        connections.close_all()

    thread = threading.Thread(target=break_connection)
    thread.start()
    thread.join()

    assert [row for row, _ in broker.dequeue()] == [OrmQ.objects.get().pk]


def test_what_is_put_off_is_not_given_out_before(bens_connection: Connection) -> None:
    wake.wake(bens_connection.pk, due_at=timezone.now() + timedelta(minutes=5))

    assert get_broker().dequeue() is None


def test_whether_somebody_else_waits(bens_connection: Connection) -> None:
    wake.wake(bens_connection.pk)
    assert not wake.others_wait(bens_connection.pk)
    wake.wake(bens_connection.org.sync_user_id, due_at=timezone.now() + timedelta(minutes=1))
    assert not wake.others_wait(bens_connection.pk)
    wake.wake(bens_connection.org.sync_user_id, due_at=timezone.now())

    assert wake.others_wait(bens_connection.pk)
