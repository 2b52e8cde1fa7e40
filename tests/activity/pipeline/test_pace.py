"""How many records go in one call."""

from collections import Counter

import pytest
from pytest_django.fixtures import Settings

from activity.models import OrgPace, SyncAttempt, SyncJob
from activity.pipeline.pace import Pace, is_too_much
from integrations.models import Connection
from integrations.salesforce.errors import OutcomeUnknown, RecordLocked, Rejected, RolledBack, Transient
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.conftest import Clock
from tests.activity.stories import log, report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace

ORG = "00D000000000001EAA"
LOCKED = Transient("UNABLE_TO_LOCK_ROW")
WRITES = "composite"


@pytest.fixture
def pace(db: None, settings: Settings) -> Pace:
    """An org of which nothing is known."""
    settings.SYNC_FAST_CALLS = 3
    return Pace(ORG)


def note_fast(pace: Pace, times: int) -> list[int]:
    """So many full calls in no time, and what the org gets after each."""
    found = []
    for _ in range(times):
        pace.note(pace.refresh(), 0.2, [])
        found.append(pace.refresh())
    return found


def test_an_org_begins_with_200_and_costs_no_row(pace: Pace) -> None:
    assert (pace.refresh(), OrgPace.objects.count()) == (200, 0)


def test_fast_calls_double_it_up_to_a_composite(pace: Pace) -> None:
    assert note_fast(pace, 10) == [200, 200, 400, 400, 400, 800, 800, 800, 1000, 1000]
    assert Pace(ORG).refresh() == 1000


def test_a_slow_call_begins_the_count_anew(pace: Pace) -> None:
    note_fast(pace, 2)
    pace.note(200, 1.1, [])
    assert note_fast(pace, 3) == [200, 200, 400]


def test_what_is_fast_goes_by_the_number_of_records(pace: Pace) -> None:
    note_fast(pace, 9)
    for _ in range(3):
        pace.note(1000, 4.9, [])
    assert pace.refresh() == 1000


@pytest.mark.parametrize("error", [OutcomeUnknown("ReadTimeout"), LOCKED])
def test_too_much_halves_it_down_to_25(pace: Pace, error: Exception) -> None:
    found = []
    for _ in range(6):
        pace.note(pace.refresh(), 0.2, [error, error])
        found.append(pace.refresh())
    assert found == [100, 50, 25, 25, 25, 25]
    assert note_fast(pace, 3) == [25, 25, 50]


def test_workers_that_fail_at_one_figure_halve_it_once(pace: Pace) -> None:
    other = Pace(ORG)
    pace.refresh(), other.refresh()
    pace.note(200, 0.2, [LOCKED])
    other.note(200, 0.2, [LOCKED])
    assert pace.refresh() == 100


def test_a_small_call_says_nothing(pace: Pace) -> None:
    for _ in range(9):
        pace.note(100, 0.1, [])
    pace.note(100, 0.1, [LOCKED])
    assert (pace.refresh(), OrgPace.objects.count()) == (200, 0)


def test_the_operator_may_leave_it_at_200(pace: Pace, settings: Settings) -> None:
    note_fast(pace, 9)
    settings.SYNC_RECORDS_PER_CALL = 200
    assert (pace.refresh(), note_fast(pace, 4)) == (200, [200] * 4)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OutcomeUnknown("ReadTimeout"), True),
        (LOCKED, True),
        (Transient("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), True),
        (Rejected("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), False),  # a trigger that says no
        (Transient("ConnectionError"), False),  # nothing was sent
        (RolledBack("PROCESSING_HALTED"), False),
        (RecordLocked("ENTITY_IS_LOCKED"), False),  # an approval
    ],
)
def test_what_fewer_records_would_help(error: Exception, expected: bool) -> None:
    assert is_too_much(error) is expected


# --- Over the socket ---------------------------------------------------------------------------------------


@pytest.fixture
def fast_org(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace) -> Connection:
    """Ben's connection in an org that takes 400 records a call; describes and people are known."""
    report(acme, sent(10_000))
    log(bens_connection)
    OrgPace.objects.create(org_id=bens_connection.org.org_id, records_per_call=400)
    return bens_connection


def report_many(workspace: Workspace, count: int, **changes: str) -> None:
    for begin in range(0, count, 500):
        report(workspace, *(sent(number, **changes) for number in range(begin, min(begin + 500, count))))


def calls_of(stand_in: TestedStandIn) -> dict[str, int]:
    """Writing calls so far."""
    return {name: count for name, count in stand_in.org.usage.calls.items() if name.startswith(WRITES)}


def test_a_backlog_goes_by_the_thousand(salesforce: TestedStandIn, fast_org: Connection, acme: Workspace) -> None:
    OrgPace.objects.update(records_per_call=1000)
    report_many(acme, 1000)
    before = calls_of(salesforce)

    log(fast_org)

    assert Counter(states()) == {("synced", ""): 1001}
    assert calls_of(salesforce) == before | {"composite": before.get("composite", 0) + 1}
    by_key = {row["CallObject"]: (row["Id"], row["Subject"]) for row in salesforce.org.rows("Task")}
    assert len(by_key) == 1001
    for key, record, subject in SyncJob.objects.values_list("key", "salesforce_id", "subject"):
        assert by_key[f"touchline:{key}"] == (record, f"Sent (New): {subject}")


def test_an_org_learns_from_a_backlog(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, settings: Settings
) -> None:
    settings.SYNC_FAST_CALLS, settings.SYNC_FAST_SECONDS = 1, 100
    report_many(acme, 250)

    log(bens_connection)

    assert Counter(states()) == {("synced", ""): 250}
    assert OrgPace.objects.values_list("org_id", "records_per_call").get() == (bens_connection.org.org_id, 400)


def test_a_lost_answer_concerns_all_of_it(
    salesforce: TestedStandIn, fast_org: Connection, acme: Workspace, clock: Clock
) -> None:
    OrgPace.objects.update(records_per_call=1000)
    report_many(acme, 205)
    salesforce.faults.add(Fault("process_then_drop", path="/composite$"))

    log(fast_org)
    assert Counter(states()) == {("unknown", ""): 205, ("synced", ""): 1}
    clock.advance(seconds=1)
    log(fast_org)

    assert Counter(states()) == {("synced", ""): 206}
    assert len(salesforce.org.rows("Task")) == 206
    assert OrgPace.objects.get().records_per_call == 1000  # 205 are not half of what it takes
    assert SyncAttempt.objects.filter(operation="look_up", outcome="found").count() == 205


def test_a_call_that_was_not_processed_is_sent_again_with_its_keys(
    salesforce: TestedStandIn, fast_org: Connection, acme: Workspace, clock: Clock
) -> None:
    report_many(acme, 205)
    salesforce.faults.add(Fault("drop", path="/composite$"))

    log(fast_org)
    assert Counter(states()) == {("unknown", ""): 205, ("synced", ""): 1}
    assert OrgPace.objects.get().records_per_call == 200
    for seconds in (1, 60, 240, 500, 1):
        clock.advance(seconds=seconds)
        log(fast_org)

    assert Counter(states()) == {("synced", ""): 206}
    assert len({row["CallObject"] for row in salesforce.org.rows("Task")}) == len(salesforce.org.rows("Task")) == 206


def test_locked_rows_halve_it_and_are_tried_again(
    salesforce: TestedStandIn, fast_org: Connection, acme: Workspace, clock: Clock
) -> None:
    report_many(acme, 205)
    salesforce.faults.add(Fault("row_error", path="/composite", code="UNABLE_TO_LOCK_ROW", rows=2))

    log(fast_org)
    assert Counter(states()) == {("synced", ""): 204, ("waiting", ""): 2}
    assert OrgPace.objects.get().records_per_call == 200
    clock.advance(minutes=1)
    log(fast_org)

    assert Counter(states()) == {("synced", ""): 206}


def test_what_a_composite_would_garble_goes_apart(
    salesforce: TestedStandIn, fast_org: Connection, acme: Workspace
) -> None:
    report_many(acme, 202)
    report(acme, sent(400, subject="Use @{name} here"))

    log(fast_org)

    assert Counter(states()) == {("synced", ""): 204}
    assert "Sent (New): Use @{name} here" in {row["Subject"] for row in salesforce.org.rows("Task")}


def test_one_worker_learns_from_another(pace: Pace) -> None:
    other = Pace(ORG)
    note_fast(pace, 3)
    assert other.refresh() == 400
