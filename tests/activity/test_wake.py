"""Wake-ups: one in the queue for each connection, and another one only when it comes earlier."""

from datetime import timedelta

from django.utils import timezone
from django_q.models import OrmQ

from activity.models import WakeUp
from activity.wake import take, wake
from integrations.models import Connection


def queued() -> list:
    return list(OrmQ.objects.order_by("pk").values_list("lock", flat=True))


def test_a_second_wake_up_is_queued_only_when_it_is_earlier(bens_connection: Connection) -> None:
    later, now = timezone.now() + timedelta(minutes=10), timezone.now()

    wake(bens_connection.pk, due_at=later)
    wake(bens_connection.pk, due_at=later + timedelta(seconds=1))
    assert (queued(), WakeUp.objects.get().due_at) == ([later], later)

    wake(bens_connection.pk, due_at=now)
    wake(bens_connection.pk, due_at=later)
    assert (queued(), WakeUp.objects.get().due_at) == ([later, now], now)


def test_once_taken_the_next_one_is_queued_again(bens_connection: Connection) -> None:
    now = timezone.now()
    wake(bens_connection.pk, due_at=now)
    take(bens_connection.pk)
    wake(bens_connection.pk, due_at=now)
    assert queued() == [now, now]
