"""What becomes of a job after an answer or an error. Pure: the clock and the dice come in as arguments.

| error | what happens |
|---|---|
| none | synced |
| OutcomeUnknown, anything that is not a SalesforceError after sending | look up |
| RolledBack | again at once: another record was the cause |
| RecordLocked, other Transient of a row | again, jittered, 8 times, then failed |
| Transient of a whole call | again, jittered, without an end; breaker.py holds the org after some in a row |
| LimitReached, OrgUnavailable | the org is held; not an attempt |
| StorageFull | parked behind one canary |
| ConnectionLost, HostNotAllowed | the connection is held; not an attempt |
| RecordGone | match again, once; the record that we change itself is gone: removed; of a whole call: again |
| StaleDescribe | describe again, once |
| OurMistake | failed: internal |
| Rejected, UnexpectedAnswer | failed, or parked when it is the third with the same error |
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from activity.models.sync import Reason
from integrations.salesforce.errors import (
    ConnectionLost,
    HostNotAllowed,
    LimitReached,
    OrgUnavailable,
    OurMistake,
    OutcomeUnknown,
    RecordGone,
    RolledBack,
    SalesforceError,
    StaleDescribe,
    StorageFull,
    Transient,
    UnexpectedAnswer,
)

MAX_RETRIES = 8
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=5)
LIMIT_PAUSE = timedelta(minutes=15)
DETAIL_LENGTH = 500


class Action(StrEnum):
    """What is done with the row."""

    SYNCED = "synced"
    RETRY = "retry"
    HOLD = "hold"
    LOOK_UP = "look_up"
    MATCH_AGAIN = "match_again"
    DESCRIBE_AGAIN = "describe_again"
    PARK = "park"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Tried:
    """What is known of the row before the decision.

    `whole_call`: the error is the call's, not the row's. `is_update`: a record of ours was to be changed.
    """

    now: datetime
    retries: int = 0
    matched_again: bool = False
    described_again: bool = False
    is_update: bool = False
    whole_call: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`due_at`: when to go on (None: not by itself). `counts`: whether it was one of the row's retries."""

    action: Action
    due_at: datetime | None = None
    reason: Reason | None = None
    detail: str = ""
    error_code: str = ""
    counts: bool = False


def decide(error: Exception | None, tried: Tried, chance: float, first_look_up: timedelta) -> Decision:
    """What to do after one try. `chance` in [0, 1) spreads retries; `first_look_up`: the schedule's first delay.

    `error` must have come after the record was handed to Salesforce: see `decide_unsent` for what happens before.
    """
    if error is None:
        return Decision(Action.SYNCED)
    if not isinstance(error, SalesforceError) or isinstance(error, OutcomeUnknown) or _is_unread(error, tried):
        code = error.code if isinstance(error, SalesforceError) else type(error).__name__
        return Decision(Action.LOOK_UP, tried.now + first_look_up, error_code=code)
    return _definite(error, tried, chance)


def decide_unsent(error: Exception, tried: Tried, chance: float) -> Decision:
    """What to do when something failed before the record was sent: the outcome is certain, nothing was written."""
    if isinstance(error, SalesforceError):
        return _definite(error, tried, chance)
    return Decision(Action.FAIL, reason=Reason.INTERNAL_ERROR, error_code=type(error).__name__)


def _is_unread(error: SalesforceError, tried: Tried) -> bool:
    """An answer to the whole call that is no refusal (a redirect, a 2xx that cannot be read) says nothing."""
    unexpected = isinstance(error, UnexpectedAnswer) and not isinstance(error, OurMistake)
    return unexpected and tried.whole_call and (error.http_status is None or error.http_status < 400)


def _definite(error: SalesforceError, tried: Tried, chance: float) -> Decision:
    if isinstance(error, Transient):
        return _again(error, tried, chance)
    if isinstance(error, StorageFull):
        return _stop(Action.PARK, Reason.SAME_ERROR, error)
    if isinstance(error, LimitReached):
        reason = Reason.SALESFORCE_DOWN if isinstance(error, OrgUnavailable) else Reason.API_LIMIT
        return Decision(Action.HOLD, tried.now + LIMIT_PAUSE, reason, error_code=error.code)
    if isinstance(error, ConnectionLost | HostNotAllowed):
        return Decision(Action.HOLD, None, Reason.CONNECTION_LOST, error_code=error.code)
    if isinstance(error, RecordGone) and tried.whole_call:
        # Not a record but the address itself is gone: the org moved, and the next refresh tells where to.
        return Decision(Action.RETRY, tried.now + LONGEST_RETRY, error_code=error.code)
    if isinstance(error, RecordGone) and tried.is_update:
        return Decision(Action.SKIP, reason=Reason.REMOVED, error_code=error.code)
    if isinstance(error, RecordGone) and not tried.matched_again:
        return Decision(Action.MATCH_AGAIN, tried.now, error_code=error.code)
    if isinstance(error, StaleDescribe) and not tried.described_again:
        return Decision(Action.DESCRIBE_AGAIN, tried.now, error_code=error.code)
    if isinstance(error, OurMistake):
        return _stop(Action.FAIL, Reason.INTERNAL_ERROR, error)
    return _stop(Action.FAIL, Reason.REJECTED, error)


def _again(error: Transient, tried: Tried, chance: float) -> Decision:
    if isinstance(error, RolledBack):
        return Decision(Action.RETRY, tried.now, error_code=error.code)
    if tried.retries >= MAX_RETRIES and not tried.whole_call:
        return _stop(Action.FAIL, Reason.REJECTED, error)
    delay = max(retry_delay(tried.retries, chance), timedelta(seconds=error.wait_seconds))
    return Decision(Action.RETRY, tried.now + delay, error_code=error.code, counts=not tried.whole_call)


def retry_delay(retries: int, chance: float) -> timedelta:
    """Between half and all of 5 s doubled for each former retry, at most 5 minutes ("equal jitter")."""
    full = min(FIRST_RETRY * 2 ** min(retries, 10), LONGEST_RETRY)
    return full * (0.5 + chance / 2)


def _stop(action: Action, reason: Reason, error: SalesforceError) -> Decision:
    """Stop with what Salesforce said; its text can repeat the record's content, so it goes nowhere but to the row."""
    detail = error.salesforce_text or error.user_message
    return Decision(action, reason=reason, detail=detail[:DETAIL_LENGTH], error_code=error.code)
