"""Two things at the same moment: an answer gets lost or a row is tried again while the world goes on."""

from datetime import timedelta

import pytest

from activity import repair
from activity.erasure import erase_address
from activity.exclusions import add_for_role, add_personal
from activity.models import Activity, DueJob, ErrorGroup, ExclusionKind, Kind, LoggedRecord, SyncJob, WakeUp
from activity.pipeline.captured import Attendee, Person
from activity.pipeline.claims import claim
from activity.pipeline.late import match_late
from activity.pipeline.results import Postponed, postpone
from activity.settings import save_settings
from integrations import connections
from integrations.models import ApiUsage, Connection, Intent
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.conftest import Clock
from tests.activity.pipeline.test_scenarios import all_once, run_queue
from tests.activity.stories import NOON, NORA, PETER, connect, log, meeting, report, sent, states, tracked
from tests.integrations.journeys import BEN
from tests.stand_in_fixtures import TestedStandIn
from workspaces import members
from workspaces.models import Membership, User, Workspace

CREATE = {"path": "composite/sobjects", "method": "POST"}
UPDATE = {"path": "composite/sobjects", "method": "PATCH"}
SYNCED, WAITING, UNKNOWN = ("synced", ""), ("waiting", ""), ("unknown", "")
SUPERSEDED = ("skipped", "superseded")
LATER = NOON + timedelta(minutes=5)
LATEST = NOON + timedelta(minutes=10)


def pass_the_schedule(connection: Connection, clock: Clock) -> None:
    """All look-ups after a lost answer, and what is sent after them."""
    for seconds in (1, 61, 241, 421, 61, 61):
        clock.advance(seconds=seconds)
        log(connection)


# --- Meetings that move while the first report is on its way --------------------------------------------------


def starts(stand_in: TestedStandIn) -> list[str]:
    return [row["StartDateTime"][11:16] for row in stand_in.org.rows("Event")]


def test_a_meeting_moves_while_its_event_is_unknown(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    salesforce.faults.add(Fault("drop", **CREATE))
    log(bens_connection)
    report(acme, meeting(hour=16, at=LATER))
    pass_the_schedule(bens_connection, clock)

    assert starts(salesforce) == ["16:00"]
    assert states() == [SUPERSEDED, SYNCED]


def test_a_meeting_moves_while_its_event_is_tried_again(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    salesforce.faults.add(Fault("row_error", code="UNABLE_TO_LOCK_ROW", **CREATE))
    log(bens_connection)
    report(acme, meeting(hour=16, at=LATER))
    pass_the_schedule(bens_connection, clock)

    assert starts(salesforce) == ["16:00"]
    assert states() == [SUPERSEDED, SYNCED]


def test_a_meeting_is_canceled_while_its_event_is_unknown(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    salesforce.faults.add(Fault("drop", **CREATE))
    log(bens_connection)
    report(acme, meeting(Kind.MEETING_CANCELED, at=LATER))
    pass_the_schedule(bens_connection, clock)

    assert starts(salesforce) == []
    assert states() == [SUPERSEDED, SUPERSEDED]


def test_an_older_change_does_not_undo_a_newer_one(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    log(bens_connection)
    report(acme, meeting(hour=16, at=LATER))
    salesforce.faults.add(Fault("row_error", code="UNABLE_TO_LOCK_ROW", **UPDATE))
    log(bens_connection)
    report(acme, meeting(hour=18, at=LATEST))
    pass_the_schedule(bens_connection, clock)

    assert starts(salesforce) == ["18:00"]
    assert states() == [SYNCED, SUPERSEDED, SYNCED]


def test_a_meeting_moves_back_while_its_move_is_unknown(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    log(bens_connection)
    report(acme, meeting(hour=16, at=LATER))
    salesforce.faults.add(Fault("process_then_drop", **UPDATE))
    log(bens_connection)
    assert starts(salesforce) == ["16:00"]
    report(acme, meeting(hour=14, at=LATEST, source_id="back"))
    pass_the_schedule(bens_connection, clock)

    assert starts(salesforce) == ["14:00"]
    assert states() == [SYNCED, SUPERSEDED, SYNCED]


def test_somebody_moves_the_event_before_it_is_looked_up(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    salesforce.faults.add(Fault("process_then_drop", **CREATE))
    log(bens_connection)
    [event] = salesforce.org.rows("Event")
    ben = salesforce.org.user(BEN)["Id"]
    day = event["StartDateTime"][:10]
    moved = {"StartDateTime": f"{day}T09:00:00Z", "EndDateTime": f"{day}T10:00:00Z"}
    salesforce.org.update(ben, salesforce.org.view(ben, "Event"), event["Id"], moved)
    pass_the_schedule(bens_connection, clock)

    assert starts(salesforce) == ["09:00"]
    assert states() == [SYNCED]


def test_lines_are_switched_off_while_one_is_unknown(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    """What a person wrote into the Task meanwhile stays."""
    save_settings(ben_member.role, {"one_task_per_message": True, "log_opened": True}, None)
    report(acme, sent())
    log(bens_connection)
    report(acme, tracked(Kind.OPENED))
    salesforce.faults.add(Fault("process_then_drop", **UPDATE))
    log(bens_connection)
    [task] = salesforce.org.rows("Task")
    ben = salesforce.org.user(BEN)["Id"]
    written = f"{task['Description']}\nNora likes it."
    salesforce.org.update(ben, salesforce.org.view(ben, "Task"), task["Id"], {"Description": written})
    save_settings(ben_member.role, {"one_task_per_message": False}, None)
    pass_the_schedule(bens_connection, clock)

    assert [row["Description"] for row in salesforce.org.rows("Task")] == [written]
    assert states() == [SYNCED, SYNCED]


# --- What a row shows -----------------------------------------------------------------------------------------


def test_a_row_that_was_tried_again_names_its_person(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    salesforce.faults.add(Fault("row_error", code="UNABLE_TO_LOCK_ROW", **CREATE))
    log(bens_connection)
    clock.advance(seconds=10)
    log(bens_connection)

    job = SyncJob.objects.get()
    assert (job.state, job.person_name, job.related_type) == ("synced", "Nora West", "Opportunity")


# --- The connection ends meanwhile ----------------------------------------------------------------------------


def test_reconnected_while_the_outcome_is_unknown(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    report(acme, sent())
    salesforce.faults.add(Fault("process_then_drop", **CREATE))
    log(bens_connection)
    connections.disconnect(bens_connection, ben_member.user)
    clock.advance(seconds=61)
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    run_queue(again, 2)

    assert states() == [SYNCED]
    assert all_once(salesforce)


def test_reconnected_while_something_is_sent(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    """The worker's row is to be tried again when the connection is gone already."""
    report(acme, sent())
    clock.advance(seconds=10)
    [claimed] = claim(bens_connection.pk, clock.now, clock.now + timedelta(seconds=600))
    connections.disconnect(bens_connection, ben_member.user)
    postpone([Postponed(claimed.job_id, claimed.attempt, clock.now + timedelta(seconds=5))], clock.now)
    clock.advance(seconds=61)
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    run_queue(again, 2)

    assert states() == [SYNCED]


def test_reconnected_while_rows_wait_for_one_with_the_same_error(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    salesforce.org.add_validation_rule("Task", "Not on Mondays")
    report(acme, *(sent(number) for number in range(1, 6)))
    log(bens_connection)
    connections.disconnect(bens_connection, ben_member.user)
    salesforce.org.remove_validation_rules()
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    for _ in range(3):
        clock.advance(minutes=61)
        run_queue(again, 2)

    assert states() == [("failed", "rejected")] * 3 + [SYNCED] * 2
    assert not ErrorGroup.objects.filter(connection=again).exists()


def test_reported_while_the_connection_ends(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    """The report was being written down when the connection ended: nobody held its job."""
    connections.disconnect(bens_connection, ben_member.user)
    report(acme, sent())
    [job] = SyncJob.objects.all()
    SyncJob.objects.update(state="waiting", reason="")
    DueJob.objects.create(job=job, workspace=acme, connection=bens_connection, sequence=1)
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    run_queue(again, 2)

    assert states() == [SYNCED]


def test_reported_while_the_connection_is_made(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    """The report was being written down when the connection came back: its job was held after the release."""
    connections.disconnect(bens_connection, ben_member.user)
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    report(acme, sent())
    SyncJob.objects.update(state="held", reason="not_connected")
    DueJob.objects.all().delete()
    run_queue(again, 2)

    assert states() == [SYNCED]


def test_a_member_leaves_while_the_outcome_is_unknown(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    ben_member: Membership,
    ada_member: Membership,
    clock: Clock,
) -> None:
    report(acme, sent())
    salesforce.faults.add(Fault("drop", **CREATE))
    log(bens_connection)
    members.remove(ben_member, ada_member.user)
    clock.advance(seconds=900)
    run_queue(bens_connection)

    assert states() == [("failed", "needs_a_look")]
    assert not DueJob.objects.exists()


# --- A person is erased meanwhile -----------------------------------------------------------------------------


def test_erased_while_the_outcome_is_unknown(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1), sent(2, to=(Person(PETER),)))
    salesforce.faults.add(Fault("process_then_drop", **CREATE))
    log(bens_connection)
    erase_address(acme, NORA)
    pass_the_schedule(bens_connection, clock)

    assert states() == [SYNCED, SYNCED]
    assert all_once(salesforce)


def test_erased_while_nothing_was_written(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1))
    salesforce.faults.add(Fault("drop", **CREATE))
    log(bens_connection)
    erase_address(acme, NORA)
    pass_the_schedule(bens_connection, clock)

    assert len(salesforce.org.rows("Task")) <= 1
    assert states()[0][0] in ("synced", "skipped", "failed")


def test_somebody_elses_event_is_looked_up_after_one_was_erased(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, meeting())
    log(bens_connection)
    erase_address(acme, NORA)
    report(acme, meeting(uid="uid-2", source_id="other", attendees=(Attendee(PETER, "Peter", "accepted"),)))
    salesforce.faults.add(Fault("drop", **CREATE))
    log(bens_connection)
    pass_the_schedule(bens_connection, clock)

    assert states() == [SYNCED, SYNCED]
    assert len(salesforce.org.rows("Event")) == 2


# --- A rule comes while something waits -----------------------------------------------------------------------


@pytest.mark.parametrize("is_personal", [False, True])
def test_a_rule_that_came_before_the_person_did(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    ben_member: Membership,
    clock: Clock,
    is_personal: bool,
) -> None:
    """Nobody had the address; by the time when somebody has, it is never to be logged."""
    stranger = "stranger@elsewhere.example"
    report(acme, sent(to=(Person(stranger),)))
    log(bens_connection)
    if is_personal:
        add_personal(ben_member, ExclusionKind.DOMAIN, "elsewhere.example")
    else:
        add_for_role(ben_member.role, ExclusionKind.DOMAIN, "elsewhere.example", None)
    salesforce.org.add("Contact", LastName="Stranger", Email=stranger)
    clock.advance(minutes=61)
    match_late(acme)
    log(bens_connection)

    assert salesforce.org.rows("Task") == []
    assert states() == [("skipped", "kept_private" if is_personal else "excluded")]
    assert Activity.objects.get().is_private is is_personal


def test_a_rule_does_not_stop_what_may_have_been_written(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    report(acme, sent())
    salesforce.faults.add(Fault("process_then_drop", **CREATE))
    log(bens_connection)
    add_for_role(ben_member.role, ExclusionKind.ADDRESS, NORA, None)
    pass_the_schedule(bens_connection, clock)

    assert states() == [SYNCED]
    assert all_once(salesforce)


def test_a_record_that_was_deleted_meanwhile_is_not_made_again(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    """The page with the button was opened before."""
    report(acme, sent())
    log(bens_connection)
    nora = SyncJob.objects.get().person_id
    repair.delete_in_salesforce(SyncJob.objects.get(), ben)
    with pytest.raises(repair.RepairError):
        repair.relink(SyncJob.objects.get(), nora, ben)

    assert states() == [("skipped", "removed")]


# --- Clocks -----------------------------------------------------------------------------------------------------


def test_our_clock_is_ahead_of_salesforces(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    """What is looked for is dated by Salesforce."""
    salesforce.org.set_clock_offset(-3600)
    report(acme, sent())
    salesforce.faults.add(Fault("process_then_drop", **CREATE))
    log(bens_connection)
    pass_the_schedule(bens_connection, clock)

    assert states() == [SYNCED]
    assert all_once(salesforce)


# --- Look-ups -------------------------------------------------------------------------------------------------


def test_an_org_at_its_limit_is_not_asked_for_what_is_unknown(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    salesforce.faults.add(Fault("process_then_drop", **CREATE))
    log(bens_connection)
    limit = {
        "path": "^/services/data/v",
        "code": "REQUEST_LIMIT_EXCEEDED",
        "message": "TotalRequests Limit exceeded.",
    }
    salesforce.faults.add(Fault("api_error", status=403, times=None, **limit))
    before = len(salesforce.faults.taken)
    for number in range(2, 62):  # what is reported wakes the queue
        clock.advance(minutes=1)
        report(acme, sent(number))
        run_queue(bens_connection)
    assert len(salesforce.faults.taken) - before <= 5
    assert states()[0] == UNKNOWN
    salesforce.faults.clear()
    clock.advance(minutes=16)
    run_queue(bens_connection, 2)

    assert states() == [SYNCED] * 61
    assert all_once(salesforce)


def test_a_look_up_that_is_always_refused_ends(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent())
    salesforce.faults.add(Fault("process_then_drop", **CREATE))
    log(bens_connection)
    salesforce.faults.add(Fault("api_error", path="/composite$", code="MALFORMED_QUERY", status=400, times=None))
    pass_the_schedule(bens_connection, clock)

    assert states() == [("failed", "needs_a_look")]
    assert not DueJob.objects.exists()


# --- Nothing to do --------------------------------------------------------------------------------------------


def test_what_cannot_go_yet_wakes_nobody(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    """An open waits for its mail, whose outcome is unknown: the queue would run in circles."""
    save_settings(ben_member.role, {"log_opened": True}, None)
    report(acme, sent(), tracked(Kind.OPENED))
    DueJob.objects.filter(job__kind="opened").update(due_at=clock.now + timedelta(seconds=2))
    salesforce.faults.add(Fault("drop", **CREATE))
    log(bens_connection)
    clock.advance(seconds=10)
    WakeUp.objects.all().delete()
    log(bens_connection)

    assert [each.due_at - clock.now > timedelta(seconds=10) for each in WakeUp.objects.all()] == [True]


def test_what_is_over_the_budget_wakes_nobody(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    save_settings(ben_member.role, {"log_opened": True}, None)
    report(acme, sent())
    log(bens_connection)
    ApiUsage.objects.update(used=92, maximum=100, seen_at=clock.now)
    report(acme, tracked(Kind.OPENED))
    WakeUp.objects.all().delete()
    log(bens_connection)

    assert states()[1:] == [("held", "over_budget")]
    assert not WakeUp.objects.exists()


# --- The hold window ------------------------------------------------------------------------------------------


def test_a_connection_that_comes_back_does_not_end_the_hold_window(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, clock: Clock
) -> None:
    save_settings(ben_member.role, {"hold_minutes": 10}, None)
    report(acme, sent())
    connections.disconnect(bens_connection, ben_member.user)
    clock.advance(minutes=2)
    again = connect(salesforce, ben_member, BEN, Intent.MEMBER)
    run_queue(again)
    assert states() == [WAITING]
    clock.advance(minutes=9)
    run_queue(again)

    assert states() == [SYNCED]


def test_a_retry_does_not_wait_for_the_hold_window(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben_member: Membership, ben: User
) -> None:
    save_settings(ben_member.role, {"hold_minutes": 10, "log_automatically": False}, None)
    report(acme, sent())
    repair.retry(SyncJob.objects.get(), ben)
    run_queue(bens_connection)

    assert states() == [SYNCED]
    assert LoggedRecord.objects.count() == 1
