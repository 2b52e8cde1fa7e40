"""What becomes of a job after an answer or an error."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.models import Reason
from activity.pipeline.outcome import (
    LIMIT_PAUSE,
    LONGEST_RETRY,
    MAX_RETRIES,
    Action,
    Decision,
    Tried,
    decide,
    decide_unsent,
    retry_delay,
)
from integrations.salesforce import errors
from integrations.salesforce.errors import ERROR_TABLE, SalesforceError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT_ONCE = timedelta(0)
TEXT = "Salesforce says no"


def outcome(error: Exception | None, **tried: object) -> Decision:
    return decide(error, Tried(NOW, **tried), chance=0.0, first_look_up=AT_ONCE)


def make(name: str, **details: object) -> SalesforceError:
    return getattr(errors, name)("CODE", salesforce_text=TEXT, **details)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


LOOK = Decision(Action.LOOK_UP, NOW, error_code="CODE")
FAIL = Decision(Action.FAIL, None, Reason.REJECTED, TEXT, "CODE")


@pytest.mark.parametrize(
    ("name", "of_row", "of_call"),
    [
        ("OutcomeUnknown", LOOK, LOOK),
        (
            "RolledBack",
            Decision(Action.RETRY, NOW, error_code="CODE"),
            Decision(Action.RETRY, NOW, error_code="CODE"),
        ),
        (
            "Transient",
            Decision(Action.RETRY, after(2.5), error_code="CODE", counts=True),
            Decision(Action.RETRY, after(2.5), error_code="CODE"),
        ),
        (
            "RecordLocked",
            Decision(Action.RETRY, after(900), error_code="CODE", counts=True),
            Decision(Action.RETRY, after(900), error_code="CODE"),
        ),
        (
            "LimitReached",
            Decision(Action.HOLD, NOW + LIMIT_PAUSE, Reason.API_LIMIT, error_code="CODE"),
            Decision(Action.HOLD, NOW + LIMIT_PAUSE, Reason.API_LIMIT, error_code="CODE"),
        ),
        (
            "OrgUnavailable",
            Decision(Action.HOLD, NOW + LIMIT_PAUSE, Reason.SALESFORCE_DOWN, error_code="CODE"),
            Decision(Action.HOLD, NOW + LIMIT_PAUSE, Reason.SALESFORCE_DOWN, error_code="CODE"),
        ),
        (
            "StorageFull",
            Decision(Action.PARK, None, Reason.SAME_ERROR, TEXT, "CODE"),
            Decision(Action.PARK, None, Reason.SAME_ERROR, TEXT, "CODE"),
        ),
        (
            "Revoked",
            Decision(Action.HOLD, None, Reason.CONNECTION_LOST, error_code="CODE"),
            Decision(Action.HOLD, None, Reason.CONNECTION_LOST, error_code="CODE"),
        ),
        ("Rejected", FAIL, FAIL),
        ("NoAccess", FAIL, FAIL),
        (
            "StaleDescribe",
            Decision(Action.DESCRIBE_AGAIN, NOW, error_code="CODE"),
            Decision(Action.DESCRIBE_AGAIN, NOW, error_code="CODE"),
        ),
        (
            "RecordGone",
            Decision(Action.MATCH_AGAIN, NOW, error_code="CODE"),
            Decision(Action.RETRY, after(300), error_code="CODE"),
        ),
        ("UnexpectedAnswer", FAIL, LOOK),
        (
            "OurMistake",
            Decision(Action.FAIL, None, Reason.INTERNAL_ERROR, TEXT, "CODE"),
            Decision(Action.FAIL, None, Reason.INTERNAL_ERROR, TEXT, "CODE"),
        ),
    ],
)
def test_every_kind_of_error(name: str, of_row: Decision, of_call: Decision) -> None:
    assert outcome(make(name)) == of_row
    assert outcome(make(name), whole_call=True) == of_call


def test_success() -> None:
    assert outcome(None) == Decision(Action.SYNCED)


def test_a_bug_of_ours_after_sending_says_nothing_about_the_record() -> None:
    assert outcome(KeyError("id"), whole_call=True) == Decision(Action.LOOK_UP, NOW, error_code="KeyError")


def test_a_bug_of_ours_before_sending_stops_the_row() -> None:
    expected = Decision(Action.FAIL, None, Reason.INTERNAL_ERROR, "", "KeyError")

    assert decide_unsent(KeyError("id"), Tried(NOW), 0.0) == expected


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (None, Action.LOOK_UP),
        (200, Action.LOOK_UP),
        (302, Action.LOOK_UP),
        (404, Action.FAIL),
        (499, Action.FAIL),
    ],
)
def test_an_odd_answer_to_the_call(status: int | None, action: Action) -> None:
    assert outcome(make("UnexpectedAnswer", http_status=status), whole_call=True).action == action


def test_what_was_done_once_is_not_done_again() -> None:
    assert outcome(make("RecordGone"), matched_again=True) == FAIL
    assert outcome(make("StaleDescribe"), described_again=True) == FAIL


def test_a_record_of_ours_that_is_gone_was_removed() -> None:
    gone = outcome(make("RecordGone"), is_update=True)

    assert gone == Decision(Action.SKIP, None, Reason.REMOVED, "", "CODE")


def test_a_row_that_is_locked_for_ever_fails_in_the_end() -> None:
    assert outcome(make("Transient"), retries=MAX_RETRIES - 1).action == Action.RETRY
    assert outcome(make("Transient"), retries=MAX_RETRIES) == FAIL


def test_salesforce_that_stays_away_is_waited_for_without_an_end() -> None:
    for retries in (MAX_RETRIES, 1_000):
        decision = outcome(make("Transient"), retries=retries, whole_call=True)
        assert (decision.action, decision.counts) == (Action.RETRY, False)


@given(retries=st.integers(0, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_retries_spread_between_half_and_all_of_a_growing_delay(retries: int, chance: float) -> None:
    full = min(timedelta(seconds=5) * 2 ** min(retries, 10), LONGEST_RETRY)

    assert full / 2 <= retry_delay(retries, chance) <= full


ERRORS = st.sampled_from(sorted({row.error for row in ERROR_TABLE}, key=lambda each: each.__name__))


@given(
    error=ERRORS,
    retries=st.integers(0, 20),
    matched=st.booleans(),
    described=st.booleans(),
    is_update=st.booleans(),
    whole_call=st.booleans(),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_every_error_of_the_table_has_an_end(
    error: type[SalesforceError],
    retries: int,
    matched: bool,
    described: bool,
    is_update: bool,
    whole_call: bool,
    chance: float,
) -> None:
    tried = Tried(NOW, retries, matched, described, is_update, whole_call)

    decision = decide(error("CODE", http_status=400), tried, chance, AT_ONCE)

    assert decision.action != Action.SYNCED
    if decision.action in (Action.FAIL, Action.SKIP, Action.HOLD, Action.PARK):
        assert decision.reason is not None
    if decision.action in (Action.RETRY, Action.LOOK_UP, Action.MATCH_AGAIN, Action.DESCRIBE_AGAIN):
        assert decision.due_at is not None
        assert decision.due_at >= NOW
    if issubclass(error, errors.OutcomeUnknown):
        assert decision.action == Action.LOOK_UP
    if issubclass(error, errors.ConnectionLost | errors.LimitReached):
        assert decision.action in (Action.HOLD, Action.PARK)
        assert not decision.counts
