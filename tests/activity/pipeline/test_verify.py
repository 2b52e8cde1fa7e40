"""After a lost answer: look, wait, look again, and only then send again."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from activity.models import DecisionTrace, DueJob, LoggedRecord, SyncAttempt, SyncJob
from activity.pipeline.claims import claim
from activity.pipeline.verify import next_look
from integrations.models import Connection
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.conftest import Clock
from tests.activity.stories import NOON, log, meeting, report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace

WRITE = {"path": "composite/sobjects", "method": "POST"}
SYNCED, UNKNOWN = ("synced", ""), ("unknown", "")


def lose(stand_in: TestedStandIn, kind: str, **changes: object) -> None:
    """The next write loses its answer."""
    stand_in.faults.add(Fault(kind, **(WRITE | changes)))


def tries() -> list[tuple[str, str]]:
    return list(SyncAttempt.objects.order_by("pk").values_list("operation", "outcome"))


@pytest.mark.parametrize("kind", ["process_then_drop", "process_then_html", "process_then_garbage"])
def test_it_was_written(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, kind: str) -> None:
    report(acme, sent(1), sent(2))
    lose(salesforce, kind)
    log(bens_connection)
    assert states() == [UNKNOWN, UNKNOWN]
    log(bens_connection)

    assert states() == [SYNCED, SYNCED]
    assert len(salesforce.org.rows("Task")) == 2
    assert {job.salesforce_id for job in SyncJob.objects.all()} == {row["Id"] for row in salesforce.org.rows("Task")}
    assert tries() == [("create", "unknown")] * 2 + [("look_up", "found")] * 2
    assert SyncJob.objects.first().person_name == "Nora West"  # as it was matched before the answer was lost
    assert LoggedRecord.objects.count() == 2


def test_it_was_not_written(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    lose(salesforce, "drop")
    log(bens_connection)
    for seconds in (0, 60, 240):
        clock.advance(seconds=seconds + 1)
        log(bens_connection)
        assert states() == [UNKNOWN]
        assert not salesforce.org.rows("Task")
    clock.advance(seconds=400)
    log(bens_connection)
    assert states() == [UNKNOWN]  # not due yet: a call can run ten minutes at Salesforce
    clock.advance(seconds=60)
    log(bens_connection)

    assert states() == [SYNCED]
    assert len(salesforce.org.rows("Task")) == 1
    looks = [("look_up", "not_found")] * 3
    assert tries() == [("create", "unknown"), *looks, ("create", "synced")]


def test_it_is_written_while_we_wait(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    lose(salesforce, "drop_then_process", seconds=3600)
    log(bens_connection)
    log(bens_connection)
    assert states() == [UNKNOWN]
    salesforce.faults.release()
    for thread in salesforce.late_work:
        thread.join()
    clock.advance(seconds=61)
    log(bens_connection)

    assert states() == [SYNCED]
    assert len(salesforce.org.rows("Task")) == 1


def test_somebody_deleted_it_meanwhile(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace
) -> None:
    report(acme, sent())
    lose(salesforce, "process_then_drop")
    log(bens_connection)
    salesforce.org.remove(salesforce.org.rows("Task")[0]["Id"])
    log(bens_connection)

    assert states() == [("skipped", "removed")]
    assert not salesforce.org.rows("Task")
    assert LoggedRecord.objects.get().removed_at is not None


def test_two_are_found(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock) -> None:
    report(acme, sent())
    lose(salesforce, "process_then_drop")
    log(bens_connection)
    [first] = salesforce.org.rows("Task")
    clock.advance(seconds=10)
    ben = salesforce.org.user("ben@touchline.example")["Id"]
    view = salesforce.org.view(ben, "Task")
    salesforce.org.create(ben, view, {"Subject": "double", "CallObject": first["CallObject"]})
    log(bens_connection)

    assert states() == [SYNCED]
    assert [row["Id"] for row in salesforce.org.rows("Task")] == [first["Id"]]
    assert len(DecisionTrace.objects.get().content["doubles_removed"]) == 1


def test_a_double_that_somebody_touched_is_left_alone(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    lose(salesforce, "process_then_drop")
    log(bens_connection)
    [first] = salesforce.org.rows("Task")
    ben = salesforce.org.user("ben@touchline.example")["Id"]
    clock.advance(seconds=10)
    second = salesforce.org.create(
        ben, salesforce.org.view(ben, "Task"), {"Subject": "double", "CallObject": first["CallObject"]}
    )
    clock.advance(seconds=10)
    salesforce.org.change(second, Subject="mine now")
    log(bens_connection)

    assert len(salesforce.org.rows("Task")) == 2


def test_a_blind_look_up_stops(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1))
    log(bens_connection)
    salesforce.org.blind_queries("Task")
    report(acme, sent(2))
    lose(salesforce, "process_then_drop")
    log(bens_connection)
    log(bens_connection)
    clock.advance(seconds=800)
    log(bens_connection)

    assert states() == [SYNCED, ("failed", "needs_a_look")]
    assert len(salesforce.org.rows("Task")) == 2


def test_a_look_up_that_fails_says_nothing(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    lose(salesforce, "drop")
    log(bens_connection)
    salesforce.faults.add(Fault("html", path="queryAll|composite", status=503, times=10))
    for _ in range(3):
        clock.advance(seconds=800)
        log(bens_connection)
    assert states() == [UNKNOWN]
    assert not salesforce.org.rows("Task")
    salesforce.faults.clear()
    clock.advance(seconds=100)
    log(bens_connection)

    assert states() == [SYNCED]


@pytest.mark.parametrize("kind", ["process_then_drop", "drop"])
def test_an_event_is_found_by_its_marker(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock, kind: str
) -> None:
    report(acme, meeting())
    lose(salesforce, kind)
    log(bens_connection)
    log(bens_connection)
    assert states() == [SYNCED if kind == "process_then_drop" else UNKNOWN]
    clock.advance(seconds=800)
    log(bens_connection)

    assert states() == [SYNCED]
    assert len(salesforce.org.rows("Event")) == 1


def test_a_change_is_repeated_only_when_the_first_one_cannot_come_any_more(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    log(bens_connection)
    report(acme, meeting(hour=16, at=NOON + timedelta(hours=1)))
    lose(salesforce, "drop", method="PATCH")
    log(bens_connection)
    clock.advance(seconds=700)
    log(bens_connection)
    assert states() == [SYNCED, UNKNOWN]
    clock.advance(seconds=30)
    log(bens_connection)

    assert states() == [SYNCED, SYNCED]
    assert salesforce.org.rows("Event")[0]["StartDateTime"][:16] == "2026-11-25T16:00"


def test_what_the_next_worker_finds_after_a_death(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    """The first worker wrote the record and died before it could say so."""
    report(acme, sent(1))
    lose(salesforce, "process_then_drop")
    log(bens_connection)
    DueJob.objects.update(leased=True, sent_at=clock.now, unknown_since=None)
    SyncJob.objects.update(state="waiting")
    clock.advance(seconds=601)
    log(bens_connection)

    assert states() == [SYNCED]
    assert len(salesforce.org.rows("Task")) == 1


def test_a_worker_that_was_overtaken_changes_nothing(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    clock.advance(seconds=1)
    [mine] = claim(bens_connection.pk, clock.now, clock.now + timedelta(seconds=600))
    clock.advance(seconds=601)
    [theirs] = claim(bens_connection.pk, clock.now, clock.now + timedelta(seconds=600))

    assert (theirs.job_id, theirs.attempt, theirs.deaths) == (mine.job_id, mine.attempt + 1, 1)


def test_the_schedule_is_a_setting(settings: Settings) -> None:
    settings.SYNC_LOOKUP_DELAYS = [0, 60, 300, 720]
    times = [next_look(NOON, NOON + timedelta(seconds=passed)) for passed in (0, 59, 60, 300, 719, 720)]

    assert [moment and (moment - NOON).total_seconds() for moment in times] == [60, 60, 300, 720, 720, None]
