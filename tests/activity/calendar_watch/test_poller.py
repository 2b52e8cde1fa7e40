"""The poller with real servers: who is slow or gone delays nobody, who refuses is not asked again."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core import mail as outbox

from integrations import calendar_leases, calendars
from integrations.models import Calendar, CalendarCollection
from tests.activity.calendar_watch.polled import connect_calendar, meetings, polling
from tests.activity.mail_watch.watched import wait_for
from tests.calendar_fixtures import Radicale, entry, event, next_day
from tests.integrations.salesforce.raw_server import RawServer, answer
from tests.integrations.test_rotation import NEW_KEY
from workspaces.models import Membership

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def at_raw_server(calendar: Calendar, radicale: Radicale, settings, *scripts) -> Iterator[RawServer]:
    """The calendar lies at a server that answers as told."""
    with RawServer(*scripts, pem=str(radicale.folder / "stand-in-server.pem")) as server:
        settings.MAILBOX_EXTRA_HOSTS |= {f"localhost:{server.port}"}
        url = f"https://localhost:{server.port}/office/"
        CalendarCollection.objects.filter(calendar=calendar).update(url=url)
        yield server


def make(radicale: Radicale, member: Membership) -> tuple[str, Calendar]:
    """A member's calendar at Radicale."""
    user = radicale.new_user()
    radicale.make_calendar(user)
    return user, connect_calendar(member, radicale, user)


def test_a_calendar_is_read_soon_after_it_is_connected_and_again_when_it_is_due(
    radicale: Radicale, ben_member: Membership, settings
) -> None:
    settings.CALENDAR_POLL = 1
    user, _ = make(radicale, ben_member)
    radicale.put(user, "a", entry(event("a", next_day(2))))
    with polling():
        wait_for("the first meeting", lambda: len(meetings()) == 1)
        radicale.put(user, "b", entry(event("b", next_day(2))))
        wait_for("the second meeting", lambda: len(meetings()) == 2)

    calendar = Calendar.objects.get()
    assert (calendar.lease_holder, calendar.lease_until, calendar.meetings_read) == ("", None, 2)


def test_a_refused_password_is_tried_once_and_told_once(radicale: Radicale, ben_member: Membership, settings) -> None:
    _, calendar = make(radicale, ben_member)
    refusal = answer(401, headers="WWW-Authenticate: Basic\r\n")
    with at_raw_server(calendar, radicale, settings, [refusal]) as server, polling():
        wait_for("the trouble", lambda: Calendar.objects.get().state == "needs_attention")
        time.sleep(2.5)

        assert len(server.received) == 1
    calendar.refresh_from_db()
    assert (calendar.cause, calendar.lease_holder) == ("password", "")
    assert [letter.subject for letter in outbox.outbox] == [f"Your calendar {calendar.user_name} needs attention"]


def test_a_password_that_cannot_be_opened_is_told(radicale: Radicale, ben_member: Membership, settings) -> None:
    make(radicale, ben_member)
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY
    with polling():
        wait_for("the trouble", lambda: Calendar.objects.get().state == "needs_attention")

    assert Calendar.objects.get().cause == "sealed"


def test_a_server_that_asks_for_patience_gets_it(radicale: Radicale, ben_member: Membership, settings) -> None:
    _, calendar = make(radicale, ben_member)
    busy = answer(429, headers="Retry-After: 3000\r\n")
    with at_raw_server(calendar, radicale, settings, [busy]) as server, polling():
        wait_for("the trouble", lambda: Calendar.objects.get().failures == 1)
        time.sleep(1.5)

        assert len(server.received) == 1
    calendar.refresh_from_db()
    assert 2990 < (calendar.poll_at - calendar.failing_since).total_seconds() < 3010
    assert outbox.outbox == []


def test_dead_servers_delay_nobody_and_are_given_up(
    radicale: Radicale, ben_member: Membership, ada_member: Membership, settings
) -> None:
    """One takes connections and never says a word, one trickles; there is room for one more."""
    user, _ = make(radicale, ben_member)
    _, slow = make(radicale, ada_member)
    trickle = [step for _ in range(600) for step in (b"X-A: b\r\n", 0.1)]
    with at_raw_server(slow, radicale, settings, [b"HTTP/1.1 207 X\r\n", *trickle]):
        Calendar.objects.filter(pk=slow.pk).update(poll_at=slow.connected_at)
        with polling(at_a_time=2, seconds=3.0):
            radicale.put(user, "a", entry(event("a", next_day(2))))
            wait_for("the meeting", lambda: meetings() == [("meeting_confirmed", "a")], limit=4)
            wait_for("the end of patience", lambda: Calendar.objects.get(pk=slow.pk).failures == 1)
    slow.refresh_from_db()

    assert (slow.state, slow.failure_text) == (
        "connected",
        "The calendar server is so slow that Touchline gave up for now.",
    )


def test_a_poller_that_is_stopped_waits_for_no_server(radicale: Radicale, ben_member: Membership, settings) -> None:
    _, calendar = make(radicale, ben_member)
    with at_raw_server(calendar, radicale, settings, [20.0]) as server:
        with polling():
            wait_for("the request", lambda: server.received)
            before = time.monotonic()
        assert time.monotonic() - before < 5
    calendar.refresh_from_db()

    assert (calendar.failures, calendar.lease_holder) == (0, "")


def test_a_server_that_is_away_is_waited_for(radicale: Radicale, ben_member: Membership, settings) -> None:
    _, calendar = make(radicale, ben_member)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.MAILBOX_EXTRA_HOSTS |= {f"localhost:{port}"}
    right = CalendarCollection.objects.get().url
    CalendarCollection.objects.update(url=f"https://localhost:{port}/office/")
    with polling():
        wait_for("the trouble", lambda: Calendar.objects.get().failures == 1)
        CalendarCollection.objects.update(url=right)
        calendars.try_again(calendar)
        wait_for("its end", lambda: Calendar.objects.get().read_at is not None)
    calendar.refresh_from_db()

    assert (calendar.failures, calendar.failing_since, calendar.failure_text) == (0, None, "")


def test_two_pollers_never_poll_the_same(
    radicale: Radicale, ben_member: Membership, ada_member: Membership, settings
) -> None:
    """Each request of a calendar that is polled by both would come twice."""
    _, calendar = make(radicale, ben_member)
    with at_raw_server(calendar, radicale, settings, [1.5]) as server, polling(), polling():
        wait_for("the request", lambda: server.received)
        time.sleep(1.2)
        assert len(server.received) == 1


def test_a_lease_is_taken_by_one_only(radicale: Radicale, ben_member: Membership, ada_member: Membership) -> None:
    pks = {make(radicale, member)[1].pk for member in (ben_member, ada_member)}
    taken: list[list[int]] = []
    together = threading.Barrier(8)

    def take(number: int) -> None:
        from django.db import connection

        together.wait()
        taken.append(calendar_leases.take(f"holder-{number}", 1))
        connection.close()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(pk for each in taken for pk in each) == sorted(pks)


def test_who_disconnects_is_polled_no_more(radicale: Radicale, ben_member: Membership, settings) -> None:
    settings.CALENDAR_POLL = 1
    user, _ = make(radicale, ben_member)
    with polling():
        wait_for("the first look", lambda: Calendar.objects.get().read_at is not None)
        calendars.disconnect(calendars.calendar_of(ben_member), by=None)
        radicale.put(user, "a", entry(event("a", next_day(2))))
        time.sleep(3)

    assert meetings() == []
