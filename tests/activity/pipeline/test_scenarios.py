"""What goes wrong around the pipeline, and what it does then: nothing is lost, nothing is written twice."""

from datetime import timedelta

import pytest
from django.db import transaction
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from activity.models import Drain, DueJob, ErrorGroup, SyncAttempt, SyncJob, WakeUp
from activity.pipeline.captured import Person
from activity.pipeline.claims import claim
from activity.pipeline.sweep import sweep
from activity.settings import save_settings
from activity.tasks import log_due_jobs
from integrations import connections
from integrations.models import ApiUsage, Connection, Intent
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.conftest import Clock
from tests.activity.stories import PETER, connect, log, report, sent, states
from tests.integrations.journeys import ADA, BEN, SYNC
from tests.stand_in_fixtures import TestedStandIn
from workspaces import members
from workspaces.models import Membership, Workspace

SYNCED, WAITING = ("synced", ""), ("waiting", "")
DATA = "^/services/data/v"


def run_queue(connection: Connection, times: int = 1) -> None:
    """The sweep, then what it woke."""
    for _ in range(times):
        sweep()
        if WakeUp.objects.filter(connection=connection).exists():
            log_due_jobs(connection.pk)


def keys_in(stand_in: TestedStandIn) -> list[str]:
    return sorted(row["CallObject"] for row in stand_in.org.rows("Task"))


def all_once(stand_in: TestedStandIn) -> bool:
    """Each job has one Task, and each Task a job."""
    return keys_in(stand_in) == sorted(f"touchline:{key}" for key in SyncJob.objects.values_list("key", flat=True))


# --- Salesforce is away -------------------------------------------------------------------------------------


def test_salesforce_is_down_for_six_hours(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(0))
    log(bens_connection)
    salesforce.faults.add(Fault("html", path=DATA, status=503, times=None))
    for number in range(1, 11):  # the first minutes
        clock.advance(seconds=30)
        report(acme, sent(number))
        run_queue(bens_connection)
    assert ApiUsage.objects.get().pause_reason == "salesforce_down"
    before = len(salesforce.faults.taken)
    for _ in range(60):
        clock.advance(minutes=6)
        run_queue(bens_connection)
    calls = len(salesforce.faults.taken) - before
    assert calls <= 60 * 6
    assert "failed" not in {state for state, _ in states()}
    assert {reason for state, reason in states() if state == "held"} == {"salesforce_down"}
    salesforce.faults.clear()
    for _ in range(30):
        clock.advance(seconds=61)
        run_queue(bens_connection)

    assert states() == [SYNCED] * 11
    assert all_once(salesforce)
    assert ApiUsage.objects.get().paused_until is None


def test_while_it_is_down_one_call_a_minute_is_made(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, *(sent(number) for number in range(5)))
    ApiUsage.objects.update_or_create(
        org_id=bens_connection.org.org_id,
        defaults={"paused_until": clock.now - timedelta(seconds=1), "pause_reason": "salesforce_down"},
    )
    salesforce.faults.add(Fault("html", path=DATA, status=503, times=None))
    for _ in range(60):
        clock.advance(seconds=10)
        run_queue(bens_connection)

    assert len(salesforce.faults.taken) <= 11


def test_the_daily_limit_is_reached(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(0))
    log(bens_connection)
    limit = {"path": DATA, "code": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}
    salesforce.faults.add(Fault("api_error", status=403, times=None, **limit))
    report(acme, *(sent(number) for number in range(1, 4)))
    log(bens_connection)
    assert states()[1:] == [("held", "api_limit")] * 3
    before = len(salesforce.faults.taken)
    for _ in range(60):
        clock.advance(minutes=1)
        run_queue(bens_connection)
    assert len(salesforce.faults.taken) - before <= 4
    assert {attempt.outcome for attempt in SyncAttempt.objects.all()} <= {"synced", "held"}
    salesforce.faults.clear()
    clock.advance(minutes=16)
    run_queue(bens_connection, 3)

    assert states() == [SYNCED] * 4
    assert all_once(salesforce)


def test_another_org_goes_on(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    ApiUsage.objects.create(
        org_id="00D000000000009AAA", paused_until=clock.now + timedelta(hours=1), pause_reason="x"
    )
    report(acme, sent())
    run_queue(bens_connection)

    assert states() == [SYNCED]


def test_a_row_is_locked(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    salesforce.faults.add(Fault("row_error", path="composite/sobjects", code="UNABLE_TO_LOCK_ROW", times=3))
    report(acme, sent(1), sent(2, to=(Person(PETER),)))
    for _ in range(6):
        log(bens_connection)
        clock.advance(seconds=60)

    assert states() == [SYNCED, SYNCED]
    assert all_once(salesforce)


# --- Connections --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["revoked", "deactivated", "blocked"])
def test_a_connection_is_lost_and_comes_back(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    ben_member: Membership,
    clock: Clock,
    how: str,
) -> None:
    report(acme, sent(0))
    log(bens_connection)
    if how == "deactivated":
        salesforce.org.deactivate_user(BEN)
    elif how == "blocked":
        salesforce.faults.add(Fault("oauth_error", path="token", code="invalid_grant", message="ip restricted"))
        salesforce.faults.add(Fault("api_error", path=DATA, user=BEN, code="INVALID_SESSION_ID", status=401))
    else:
        expired = "expired access/refresh token"
        salesforce.faults.add(Fault("oauth_error", path="token", code="invalid_grant", message=expired))
        salesforce.faults.add(Fault("api_error", path=DATA, user=BEN, code="INVALID_SESSION_ID", status=401))
    report(acme, *(sent(number) for number in range(1, 4)))
    log(bens_connection)
    bens_connection.refresh_from_db()
    assert bens_connection.state == "needs_attention"
    assert states()[1:] == [("held", "connection_lost")] * 3
    report(acme, sent(4))
    run_queue(bens_connection, 3)
    assert states()[1:] == [("held", "connection_lost")] * 4

    salesforce.faults.clear()
    salesforce.org.deactivate_user(BEN, active=True)
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    assert states()[1:] == [WAITING] * 4
    run_queue(again)

    assert states() == [SYNCED] * 5
    assert all_once(salesforce)
    order = [row["Subject"] for row in sorted(salesforce.org.rows("Task"), key=lambda row: row["Id"])]
    assert order == [f"Sent (New): Offer {number}" for number in range(5)]


def test_disconnected_and_connected_again(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership
) -> None:
    report(acme, sent(1))
    connections.disconnect(bens_connection, ben_member.user)
    report(acme, sent(2))
    assert states() == [("held", "not_connected")] * 2
    run_queue(bens_connection)
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    run_queue(again)

    assert states() == [SYNCED, SYNCED]


def test_another_salesforce_user_does_not_take_over_silently(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership
) -> None:
    report(acme, sent(1))
    connections.disconnect(bens_connection, ben_member.user)
    report(acme, sent(2))
    again = connect(salesforce, ben_member, ADA, Intent.MEMBER)
    run_queue(again)

    assert states() == [("held", "not_connected"), SYNCED]


def test_the_sync_user_is_lost(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ada_member: Membership, clock: Clock
) -> None:
    salesforce.org.deactivate_user(SYNC)
    report(acme, sent(1))
    log(bens_connection)
    assert states() == [("held", "no_sync_user")]
    report(acme, sent(2))
    run_queue(bens_connection, 2)
    assert states() == [("held", "no_sync_user")] * 2
    salesforce.org.deactivate_user(SYNC, active=True)
    connect(salesforce, ada_member, SYNC, Intent.SYNC_USER)
    run_queue(bens_connection)

    assert states() == [SYNCED, SYNCED]


def test_a_member_leaves(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    ben_member: Membership,
    ada_member: Membership,
) -> None:
    report(acme, sent(1))
    log(bens_connection)
    report(acme, sent(2))
    members.remove(ben_member, ada_member.user)

    assert states() == [SYNCED, ("skipped", "member_left")]
    assert not DueJob.objects.exists()


@pytest.mark.parametrize("old_host_answers", [401, 404, 302])
def test_the_instance_moves(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    clock: Clock,
    settings: Settings,
    old_host_answers: int,
) -> None:
    report(acme, sent(1))
    log(bens_connection)
    salesforce.move_instance(old_host_answers=old_host_answers)
    settings.SALESFORCE_EXTRA_HOSTS |= frozenset(salesforce.extra_hosts)
    report(acme, sent(2))
    for _ in range(6):
        run_queue(bens_connection)
        clock.advance(minutes=6)

    assert states() == [SYNCED, SYNCED]
    assert all_once(salesforce)


# --- Rules of the org ---------------------------------------------------------------------------------------


def test_a_rule_is_added_and_taken_back(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(0))
    log(bens_connection)
    salesforce.org.add_validation_rule("Task", "Not on Mondays")
    report(acme, *(sent(number) for number in range(1, 11)))
    log(bens_connection)
    assert states()[1:] == [("failed", "rejected")] * 3 + [("held", "same_error")] * 7
    report(acme, *(sent(number) for number in range(11, 14)))
    before = salesforce.org.usage.used
    for _ in range(60):
        clock.advance(minutes=1)
        run_queue(bens_connection)
    assert salesforce.org.usage.used - before <= 10
    assert states()[11:] == [("held", "same_error")] * 3
    salesforce.org.remove_validation_rules()
    for _ in range(4):
        clock.advance(minutes=30)
        run_queue(bens_connection, 2)

    assert states() == [SYNCED] * 14
    assert all_once(salesforce)
    assert not ErrorGroup.objects.exists()


def test_a_rule_for_some_does_not_stop_the_others(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    salesforce.org.add_validation_rule("Task", "No brochures", lambda record: "brochure" in record["Subject"])
    report(acme, *(sent(number, subject="brochure" if number % 2 else "Offer") for number in range(12)))
    log(bens_connection)
    report(acme, *(sent(number, subject="brochure" if number % 2 else "Offer") for number in range(12, 16)))
    log(bens_connection)

    assert states(subject="Offer") == [SYNCED] * 8
    assert states(subject="brochure") == [("failed", "rejected")] * 3 + [("held", "same_error")] * 5


def test_a_permission_is_removed(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(0))
    log(bens_connection)
    salesforce.org.permit(BEN, "EditTask", False)
    report(acme, *(sent(number) for number in range(1, 6)))
    for _ in range(3):
        log(bens_connection)
        clock.advance(seconds=10)
    stopped = states()[1:]
    assert {state for state, _ in stopped} <= {"failed", "held"}
    salesforce.org.permit(BEN, "EditTask", True)
    for _ in range(5):
        clock.advance(minutes=31)
        run_queue(bens_connection, 2)

    assert states() == [SYNCED] * 6


# --- Workers ------------------------------------------------------------------------------------------------


def test_a_poison_row_is_set_aside_and_the_rest_goes_on(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    """Whoever takes the row in hand dies, with all that is in the same batch."""
    report(acme, *(sent(number) for number in range(30)))
    poison = SyncJob.objects.order_by("pk")[17].pk
    # Somebody else always waits, so that a turn is one batch and the test decides batch by batch who dies.
    WakeUp.objects.create(connection=bens_connection.org.sync_user, due_at=clock.now - timedelta(days=1))
    for _ in range(200):
        clock.advance(seconds=1)
        if not DueJob.objects.filter(due_at__lte=clock.now).exists():
            clock.advance(seconds=600)
        row = DueJob.objects.filter(job=poison).first()
        before = transaction.savepoint()
        claimed = {each.job_id for each in claim(bens_connection.pk, clock.now, clock.now + timedelta(seconds=600))}
        if row and poison in claimed and row.deaths < 4:
            continue  # killed: the leases stand
        transaction.savepoint_rollback(before)
        log(bens_connection)

    assert states(pk=poison) == [("failed", "quarantined")]
    assert states().count(SYNCED) == 29
    assert len(salesforce.org.rows("Task")) == 29


def test_the_queue_delivers_five_times(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace
) -> None:
    report(acme, sent())
    for _ in range(5):
        log_due_jobs(bens_connection.pk)

    assert states() == [SYNCED]
    assert all_once(salesforce)


def test_a_second_worker_leaves_the_turn_to_the_first(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    Drain.objects.create(
        connection=bens_connection,
        org_id=bens_connection.org.org_id,
        holder="00000000-0000-4000-8000-000000000001",
        until=clock.now + timedelta(seconds=100),
    )
    log(bens_connection)
    assert states() == [WAITING]
    clock.advance(seconds=101)
    log(bens_connection)

    assert states() == [SYNCED]


def test_a_worker_that_was_away_too_long_does_not_send(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, settings: Settings
) -> None:
    report(acme, sent(0))
    log(bens_connection)
    settings.SYNC_LEASE = 0
    settings.SYNC_DRAIN_LIMIT = 0.2
    report(acme, sent(1))
    log(bens_connection)
    assert len(salesforce.org.rows("Task")) == 1
    settings.SYNC_LEASE = 600
    log(bens_connection)

    assert all_once(salesforce)


def test_the_clock_is_stepped_back(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1))
    salesforce.faults.add(Fault("process_then_drop", path="composite/sobjects", method="POST"))
    log(bens_connection)
    clock.advance(minutes=-10)
    report(acme, sent(2))
    for _ in range(25):
        log(bens_connection)
        clock.advance(minutes=1)

    assert states() == [SYNCED, SYNCED]
    assert all_once(salesforce)


def test_a_bug_of_ours_stops_one_row_with_its_trace(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    ben_member: Membership,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A template that is no text cannot come from the form; it stands for any bug in composing."""
    save_settings(ben_member.role, {"subject_templates": {"sent_new": ["no", "text"]}}, None)
    report(acme, sent(1), sent(2, subject="Re: Offer"))
    log(bens_connection)

    assert states() == [("failed", "internal_error"), SYNCED]
    assert "could not be composed" in caplog.text
    assert "Offer" not in caplog.text


# --- The sweep ----------------------------------------------------------------------------------------------


def test_a_lost_wake_up_is_made_up_for(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    OrmQ.objects.all().delete()
    clock.advance(minutes=3)
    assert sweep() == 1
    assert OrmQ.objects.count() == 1
    WakeUp.objects.all().delete()
    OrmQ.objects.all().delete()
    assert sweep() == 1
    assert sweep() == 0


def test_the_sweep_takes_turns_between_workspaces(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    WakeUp.objects.all().delete()
    OrmQ.objects.all().delete()
    clock.advance(seconds=1)

    assert sweep() == 1
    assert OrmQ.objects.get().task["args"] == (bens_connection.pk,)


def test_a_change_of_plan_frees_what_was_held(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace
) -> None:
    acme.plan = "free"
    acme.save()
    report(acme, sent())
    sweep()
    assert states() == [("held", "plan")]
    acme.plan = "enterprise"
    acme.save()
    run_queue(bens_connection)

    assert states() == [SYNCED]
