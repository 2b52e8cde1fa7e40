"""A call that is refused for one record: the others go."""

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from activity.models import OrgPace, SyncAttempt, SyncJob
from activity.pipeline.halving import Called, call_in_halves
from activity.pipeline.sender import Ready
from integrations.models import Connection
from integrations.salesforce.client import RowResult
from integrations.salesforce.errors import (
    NoAccess,
    OurMistake,
    OutcomeUnknown,
    Rejected,
    SessionExpired,
    StaleDescribe,
    Transient,
    UnexpectedAnswer,
)
from integrations.salesforce.stand_in.faults import Fault
from tests.activity.conftest import Clock
from tests.activity.stories import log, report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace

REFUSED = OurMistake("JSON_PARSER_ERROR", http_status=400)
FAILED = ("failed", "internal_error")


def rows(count: int, *, described_again: bool = False) -> list[Ready]:
    job = SimpleNamespace(claimed=SimpleNamespace(described_again=described_again))
    return [Ready(job, "create", {"number": number}) for number in range(count)]


class Remote:
    """Refuses calls that hold a bad record, or their parts; counts."""

    def __init__(self, bad: set[int], error: Exception = REFUSED, part: int = 0) -> None:
        self.bad, self.error, self.part = bad, error, part
        self.calls: list[int] = []
        self.written: list[int] = []

    def send(self, records: list[dict]) -> list[RowResult]:
        self.calls.append(len(records))
        numbers = [record["number"] for record in records]
        parts = [numbers[at : at + self.part] for at in range(0, len(numbers), self.part)] if self.part else [numbers]
        if len(parts) == 1 and self.bad & set(numbers):
            raise self.error
        return [result for part in parts for result in self._part(part)]

    def _part(self, numbers: list[int]) -> list[RowResult]:
        if self.bad & set(numbers):
            return [RowResult(None, self.error, of_part=True)] * len(numbers)
        self.written += numbers
        return [RowResult(f"id{number}", None) for number in numbers]


def outcomes(called: list[Called]) -> dict[int, object]:
    """What came of each record; each comes out once."""
    found: dict[int, object] = {}
    for each in called:
        results = each.results or [each.error] * len(each.rows)
        for row, result in zip(each.rows, results, strict=True):
            assert row.payload["number"] not in found
            found[row.payload["number"]] = result.id if isinstance(result, RowResult) and result.id else result
    return found


@given(st.integers(1, 1000), st.data(), st.sampled_from([0, 200]))
def test_one_bad_record_is_found(count: int, data: st.DataObject, part: int) -> None:
    bad = data.draw(st.integers(0, count - 1))
    remote = Remote({bad}, part=part)

    found = outcomes(list(call_in_halves(rows(count), remote.send, lambda: True)))

    assert {number: result for number, result in found.items() if number != bad} == {
        number: f"id{number}" for number in range(count) if number != bad
    }
    assert (found[bad], bad in remote.written) == (REFUSED, False)
    assert len(remote.calls) <= 2 * count.bit_length() + 1


@given(st.integers(2, 400), st.data(), st.sampled_from([0, 50]))
def test_many_bad_records_cost_a_bounded_number_of_calls(count: int, data: st.DataObject, part: int) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    remote = Remote(bad, part=part)

    found = outcomes(list(call_in_halves(rows(count), remote.send, lambda: True)))

    assert found.keys() == set(range(count))
    assert len(remote.calls) <= 2 * count.bit_length() + 8
    assert Counter(remote.written) == Counter(number for number, each in found.items() if each == f"id{number}")
    assert not bad & set(remote.written)


def test_what_may_not_go_on_comes_out_unsent() -> None:
    remote = Remote({3})
    allowed = iter((True, False, False, False))

    found = list(call_in_halves(rows(8), remote.send, lambda: next(allowed)))

    assert remote.calls == [8, 4]
    unsent = [each for each in found if each.results is None and each.error is None]
    assert sorted(row.payload["number"] for each in unsent for row in each.rows) == list(range(8))


@pytest.mark.parametrize(
    ("error", "described_again", "splits"),
    [
        (REFUSED, False, True),
        (OurMistake("InvalidJSONError"), False, True),  # it could not be put into a request
        (Rejected("FIELD_INTEGRITY_EXCEPTION", http_status=400), False, True),
        (UnexpectedAnswer("NEW_CODE", http_status=400), False, True),
        (UnexpectedAnswer("HTTP_408", http_status=408), False, False),  # something in between gave up waiting
        (UnexpectedAnswer("HTTP_302", http_status=302), False, False),  # nobody knows what that means
        (UnexpectedAnswer("unreadable_answer"), False, False),
        (NoAccess("INSUFFICIENT_ACCESS", http_status=403), False, False),
        (StaleDescribe("INVALID_FIELD", http_status=400), False, False),  # first the fields are read anew
        (StaleDescribe("INVALID_FIELD", http_status=400), True, True),
        (OutcomeUnknown("ReadTimeout"), False, False),
        (Transient("ConnectionError"), False, False),
        (SessionExpired("INVALID_SESSION_ID", http_status=401), False, False),
        (KeyError("ours"), False, False),
    ],
)
def test_what_is_split(error: Exception, described_again: bool, splits: bool) -> None:
    remote = Remote({1}, error)

    list(call_in_halves(rows(2, described_again=described_again), remote.send, lambda: True))

    assert remote.calls == ([2, 1, 1] if splits else [2])


# --- Over the socket ---------------------------------------------------------------------------------------


def report_forty(workspace: Workspace) -> None:
    report(workspace, *(sent(number) for number in range(40)), sent(99, subject="the bad one"))


def test_only_the_bad_record_stops_with_its_trace(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace
) -> None:
    report_forty(acme)
    salesforce.faults.add(
        Fault("api_error", path="/composite/sobjects", code="JSON_PARSER_ERROR", holding="the bad one", times=None)
    )

    log(bens_connection)

    assert Counter(states()) == {("synced", ""): 40, FAILED: 1}
    bad = SyncJob.objects.get(subject="the bad one")
    attempt = SyncAttempt.objects.get(job_id=bad.pk)
    assert (bad.state, bad.error_code, attempt.outcome) == ("failed", "JSON_PARSER_ERROR", "rejected")
    assert "the bad one" in attempt.payload
    assert "JSON_PARSER_ERROR" in attempt.answer
    keys = [row["CallObject"] for row in salesforce.org.rows("Task")]
    assert len(set(keys)) == len(keys) == 40
    assert not OrgPace.objects.exists()


def test_so_it_is_inside_a_composite(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace) -> None:
    OrgPace.objects.create(org_id=bens_connection.org.org_id, records_per_call=400)
    report(acme, *(sent(number) for number in range(210)), sent(999, subject="the bad one"))
    salesforce.faults.add(
        Fault("api_error", path="/composite", code="JSON_PARSER_ERROR", holding="the bad one", times=None)
    )

    log(bens_connection)

    assert Counter(states()) == {("synced", ""): 210, FAILED: 1}
    assert len(salesforce.org.rows("Task")) == 210


def test_a_lost_answer_on_the_way_leaves_the_rest_for_later(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock, settings: Settings
) -> None:
    report_forty(acme)
    salesforce.faults.add(
        Fault("api_error", path="/composite/sobjects", code="JSON_PARSER_ERROR", holding="the bad one", times=None)
    )
    salesforce.faults.add(Fault("process_then_drop", path="/composite/sobjects"))

    log(bens_connection)
    assert Counter(states()) == {("unknown", ""): 21, ("waiting", ""): 20}
    clock.advance(seconds=1)
    log(bens_connection)

    assert Counter(states()) == {("synced", ""): 40, FAILED: 1}
    assert len(salesforce.org.rows("Task")) == 40
