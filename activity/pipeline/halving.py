"""One call for many records; where it is refused as a whole, its halves, until the record that cannot pass is found.

Salesforce refuses a request that it cannot read for one record's sake, and what cannot be put into a request never
leaves at all: nothing was written then, so the others can go at once. No more calls are made than finding one or two
such records takes: when all are refused, the fault is not a record's.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from django.utils import timezone

from activity.pipeline.sender import Ready
from integrations.salesforce.client import RowResult
from integrations.salesforce.errors import NoAccess, OurMistake, Rejected, StaleDescribe, UnexpectedAnswer

SPARE_CALLS = 8
"""Beyond the two for each halving that one record takes."""

REFUSALS = (400, 413)
"""What is said of a request itself. Others (408, 429) may come from something in between, after the work was done."""

Send = Callable[[list[dict]], list[RowResult]]


@dataclass(frozen=True, slots=True)
class Called:
    """What came of some of the records: `results` one by one, or one `error` for all of them.

    Neither: they were refused in a larger call and not sent again. `sent_at` UTC; `seconds` that the call took.
    """

    rows: Sequence[Ready]
    results: Sequence[RowResult] | None = None
    error: Exception | None = None
    sent_at: datetime | None = None
    seconds: float = 0


def call_in_halves(rows: Sequence[Ready], send: Send, may_go_on: Callable[[], bool]) -> Iterator[Called]:
    """Send the records, and halves of what is refused for a reason that one record may be.

    Every record comes out once. `may_go_on` is asked before each further call; take each result before the next.
    """
    groups, calls_left = deque([rows]), 2 * len(rows).bit_length() + SPARE_CALLS
    is_first = True
    while groups:
        group = groups.popleft()
        if not is_first and not may_go_on():
            yield Called(group)
            continue
        is_first, calls_left = False, calls_left - 1
        called = _call(group, send)
        refused = _refused(called)
        if refused and len(group) > 1 and calls_left > len(groups) + 1:
            groups += _halves(refused)
            called = _without(called, refused)
        if called.rows:
            yield called


def _call(rows: Sequence[Ready], send: Send) -> Called:
    sent_at, began = timezone.now(), monotonic()
    try:
        results = send([each.payload for each in rows])
    except Exception as error:  # also a fault of ours: whatever was raised, the records may have been written
        return Called(rows, error=error, sent_at=sent_at, seconds=monotonic() - began)
    return Called(rows, results, sent_at=sent_at, seconds=monotonic() - began)


def _refused(called: Called) -> list[Ready]:
    """The records of the call, or of those parts of it, that were refused together."""
    if called.results is None:
        return [each for each in called.rows if may_be_ones_fault(called.error, each)]
    pairs = zip(called.rows, called.results, strict=True)
    return [each for each, result in pairs if result.of_part and may_be_ones_fault(result.error, each)]


def _halves(rows: Sequence[Ready]) -> tuple[Sequence[Ready], Sequence[Ready]]:
    middle = (len(rows) + 1) // 2
    return rows[:middle], rows[middle:]


def _without(called: Called, refused: Sequence[Ready]) -> Called:
    gone = {id(each) for each in refused}
    if called.results is None:
        return replace(called, rows=[each for each in called.rows if id(each) not in gone])
    left = [pair for pair in zip(called.rows, called.results, strict=True) if id(pair[0]) not in gone]
    return replace(called, rows=[each for each, _ in left], results=[result for _, result in left])


def may_be_ones_fault(error: Exception | None, row: Ready) -> bool:
    """Whether a request with the row was refused, and perhaps for one of its records only.

    An unknown field is every record's fault as long as the org's fields were not read anew.
    """
    if isinstance(error, StaleDescribe) and not row.job.claimed.described_again:
        return False
    if isinstance(error, OurMistake):
        return True
    if isinstance(error, NoAccess) or not isinstance(error, UnexpectedAnswer | Rejected):
        return False
    return error.http_status in REFUSALS
