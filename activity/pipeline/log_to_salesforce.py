"""Send what is due for one connection: claim, match, compose, call, record. Ends by itself after SYNC_DRAIN_LIMIT.

- Attempts are committed before the call, the call is made outside any transaction, and each row's result is
  recorded by its position after a count check.
- A worker that was away for half its lease does not send: another one may think it dead.
- What cannot be told after a call is looked up (verify.py), never sent again at once.
"""

import json
import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db import connection as database
from django.utils import timezone

from activity import wake
from activity.models import DueJob, LoggedRecord, Outcome, Reason, SyncJob, SyncState
from activity.pipeline import breaker, turn
from activity.pipeline.claims import CLICKED_BY_PERSON, Claimed, Sending, claim, record_sending
from activity.pipeline.halving import Called, Send, call_in_halves
from activity.pipeline.hold import hold_connection, hold_org, unhold_connection, unhold_org
from activity.pipeline.jobs import load_jobs
from activity.pipeline.outcome import Action
from activity.pipeline.pace import Pace
from activity.pipeline.prepare import prepare
from activity.pipeline.results import Finished, Logged, finish
from activity.pipeline.sender import Ready, Sender, digest_of
from activity.pipeline.settle import Settlement
from activity.pipeline.standing import Standing, standings_of
from activity.pipeline.verify import verify
from activity.settings import settings_for
from integrations.models import Connection
from integrations.preflight import run_soon
from integrations.salesforce.client import (
    RECORDS_IN_A_CALL,
    RowResult,
    SalesforceClient,
    may_travel_in_composite,
)
from integrations.salesforce.errors import OutcomeUnknown, SalesforceError

logger = logging.getLogger(__name__)

MOST_DEATHS = 5
AFTER_OWN_BUG = timedelta(seconds=5)
SOON = timedelta(seconds=60)
ONLY_UNKNOWN = -1
"""A priority below all: what is taken then are unknown outcomes alone."""


def drain(connection_id: int) -> None:
    """Send and look up what is due for the connection, as long as its turn, its org and the time limit allow."""
    if not clock_is_right():
        return
    connection = _load(connection_id)
    if connection is None or connection.membership is None or not connection.is_usable:
        return
    standing = standings_of(connection.workspace, [connection.membership])[connection.membership.pk]
    if standing.org is None or standing.connection is None or standing.connection.pk != connection.pk:
        return
    if standing.reason is not None:
        hold_connection(connection, standing.reason, standing.detail)
    holder = uuid.uuid4()
    if not _take_turn(connection, holder):
        _wake_if_org_is_full(connection)
        return
    try:
        _Drain(connection, standing, holder).run()
    finally:
        turn.give_back(connection.pk, holder)
    _wake_for_rest(connection)


def clock_is_right() -> bool:
    """Whether this machine's clock agrees with the database's: leases and look-ups on all machines go by it."""
    tolerance = settings.SYNC_CLOCK_TOLERANCE
    if not tolerance:
        return True
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    off = abs((timezone.now() - there).total_seconds())
    if off > tolerance:
        logger.error("this machine's clock is %.0f seconds off the database's: nothing is sent from here", off)
    return off <= tolerance


def _load(connection_id: int) -> Connection | None:
    rows = Connection.objects.without_secrets().live()
    return (
        rows.select_related("org", "salesforce_user", "workspace", "membership__user", "membership__role")
        .filter(pk=connection_id)
        .first()
    )


def _take_turn(connection: Connection, holder: uuid.UUID) -> bool:
    now = timezone.now()
    until = now + timedelta(seconds=settings.SYNC_LEASE / 4)
    return turn.take(connection.pk, connection.org.org_id, holder, now, until)


def _wake_if_org_is_full(connection: Connection) -> None:
    """Somebody else drains this connection and will see what is due, or the org's places are taken."""
    now = timezone.now()
    if not turn.is_taken(connection.pk, now):
        wake.wake(connection.pk, due_at=now + timedelta(seconds=2))


def _wake_for_rest(connection: Connection) -> None:
    """What is due soon gets its wake-up at its time; the sweep sees to the rest."""
    now = timezone.now()
    due = DueJob.objects.filter(connection=connection, parked=None, due_at__lte=now + SOON)
    next_due = due.order_by("due_at").values_list("due_at", flat=True).first()
    paused = breaker.is_paused(connection.org.org_id, now)
    if next_due is not None and not paused:
        wake.wake(connection.pk, due_at=max(next_due, now))


@dataclass
class _Drain:
    """One worker's turn with one connection."""

    connection: Connection
    standing: Standing
    holder: uuid.UUID

    def __post_init__(self) -> None:
        self.sender = Sender(
            self.connection, self.standing.org, self.connection.membership, settings_for(self.connection.membership)
        )
        self.pace = Pace(self.connection.org.org_id)
        self.calls_made: list[tuple[int, float, list[Exception]]] = []
        self.is_unheld = False
        self.ends_at = time.monotonic() + settings.SYNC_DRAIN_LIMIT

    def run(self) -> None:
        """Batch after batch, until nothing is due, somebody else waits, or the time is up."""
        while time.monotonic() < self.ends_at and _take_turn(self.connection, self.holder):
            allowance = self._allowance()
            claimed = (
                self._claim_probe() if allowance.is_probe else self._claim(allowance.priority, self.pace.refresh())
            )
            if not claimed:
                if allowance.is_probe:  # nothing to try it with: the next one who has something does
                    breaker.give_probe_back(self.connection.org.org_id, timezone.now())
                return
            if not self._process(claimed) or wake.others_wait(self.connection.pk):
                return

    def _claim(self, priority: int, limit: int) -> list[Claimed]:
        now = timezone.now()
        self.claimed_at = time.monotonic()
        lease_until = now + timedelta(seconds=settings.SYNC_LEASE)
        return claim(self.connection.pk, now, lease_until, priority=priority, limit=limit)

    def _claim_probe(self) -> list[Claimed]:
        """One job to see whether Salesforce answers: a look-up where there is one, for it only reads."""
        return self._claim(ONLY_UNKNOWN, 1) or self._claim(breaker.LEAST, 1)

    def _allowance(self) -> breaker.Allowance:
        if self.standing.reason is not None:
            return breaker.Allowance(ONLY_UNKNOWN)
        allowance = breaker.allowance(self.standing.org, timezone.now())
        if allowance.reason is not None:
            above = max(allowance.priority, CLICKED_BY_PERSON - 1)
            hold_connection(self.connection, allowance.reason, allowance.detail, priority_above=above)
        elif not self.is_unheld:
            unhold_connection(self.connection)
        self.is_unheld = allowance.reason is None
        return allowance

    def _process(self, claimed: Sequence[Claimed]) -> bool:
        """Work on one batch; returns whether to go on. A bug of ours costs the batch a claim."""
        try:
            return self._work(claimed)
        except (OperationalError, InterfaceError):
            raise  # the database is away: the lease ends by itself, and what was sent is looked up then
        except Exception:
            logger.exception("a batch of connection %s failed", self.connection.pk)
            self._shorten_leases(claimed)
            return False

    def _shorten_leases(self, claimed: Sequence[Claimed]) -> None:
        """Counted like a worker's death: smaller batches find the row, and it is set aside."""
        ids = [each.job_id for each in claimed]
        soon = timezone.now() + AFTER_OWN_BUG
        DueJob.objects.filter(job__in=ids, leased=True).update(due_at=soon)

    def _work(self, claimed: Sequence[Claimed]) -> bool:
        claimed = self._quarantine(claimed)
        user = self.connection.membership.user
        jobs = load_jobs(claimed, self.sender.salesforce_user_id, user.time_zone)
        settlement = Settlement(self.connection, timezone.now())
        lost = [job for job in jobs if job.claimed.sent_at or job.claimed.unknown_since]
        if lost:
            verify(lost, self.sender, settlement)
        rest = [job for job in jobs if not (job.claimed.sent_at or job.claimed.unknown_since)]
        if rest:
            self._send_all(prepare(rest, self.sender, settlement), settlement)
        settlement.now = timezone.now()
        done = settlement.write()
        self._take_back_doubles(settlement, done)
        self._note_health(settlement)
        self._note_pace()
        if settlement.lacks_access:
            run_soon(self.connection)
        return not settlement.stops

    def _note_health(self, settlement: Settlement) -> None:
        """Count calls that failed in a row; the fifth holds the org, an answer ends it."""
        org_id = self.connection.org.org_id
        if settlement.has_failed:
            if breaker.note_failure(org_id, settlement.now):
                hold_org(org_id, Reason.SALESFORCE_DOWN)
        elif settlement.is_answered and breaker.note_answer(org_id):
            unhold_org(org_id)

    def _note_pace(self) -> None:
        """Learn how many records the org takes at once."""
        for records, seconds, errors in self.calls_made:
            self.pace.note(records, seconds, errors)
        self.calls_made.clear()

    def _take_back_doubles(self, settlement: Settlement, done: set[int]) -> None:
        """We were overtaken between check and call, and the record exists twice: ours is the one too many."""
        mine = {each.job_id: each.salesforce_id for each in settlement.records if each.job_id not in done}
        if not mine:
            return
        theirs = SyncJob.objects.filter(pk__in=mine, state=SyncState.SYNCED).values_list("pk", "salesforce_id")
        doubles = [mine[pk] for pk, salesforce_id in theirs if salesforce_id != mine[pk]]
        if doubles:
            logger.warning("connection %s takes back %s records written twice", self.connection.pk, len(doubles))
            self.sender.client.delete_many(doubles)

    def _quarantine(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Set aside what five workers died of; what may have been sent needs a person's look."""
        dead = [each for each in claimed if each.deaths >= MOST_DEATHS]
        finish(
            [
                Finished(
                    each.job_id,
                    each.attempt,
                    SyncState.FAILED,
                    Reason.NEEDS_A_LOOK if each.sent_at or each.unknown_since else Reason.QUARANTINED,
                )
                for each in dead
            ],
            timezone.now(),
        )
        for each in dead:
            logger.error("job %s was set aside after %s workers died", each.job_id, each.deaths)
        return [each for each in claimed if each.deaths < MOST_DEATHS]

    # --- Sending ------------------------------------------------------------------------------------------

    def _send_all(self, ready: Sequence[Ready], settlement: Settlement) -> None:
        creates = [each for each in ready if each.operation == "create"]
        updates = [each for each in ready if each.operation == "update"]
        for rows, call in (
            (creates, SalesforceClient.create_many.__name__),
            (updates, SalesforceClient.update_many.__name__),
        ):
            for part in _in_calls(rows):
                if settlement.stops:
                    self._put_back(part, settlement)
                else:
                    self._send(part, call, settlement)

    def _send(self, rows: Sequence[Ready], call: str, settlement: Settlement) -> None:
        """One call for rows of one operation."""
        try:
            send = getattr(self.sender.client, call)
        except SalesforceError as error:
            settlement.settle_unsent([each.job for each in rows], error)
            return
        if self._is_late() or not _take_turn(self.connection, self.holder):
            settlement.stops = True
            self._put_back(rows, settlement)
            return
        rows = self._write_attempts(rows, settlement)
        if self._is_late():  # the database kept us waiting over it
            settlement.stops = True
            self._take_back(rows, settlement)
        elif rows:
            self._call(rows, send, settlement)

    def _is_late(self) -> bool:
        """Whether so much of the lease is gone that another worker may soon take the rows."""
        return time.monotonic() - self.claimed_at > settings.SYNC_LEASE / 2

    def _put_back(self, rows: Sequence[Ready], settlement: Settlement) -> None:
        """Too late to send safely: the next claim does it."""
        for each in rows:
            settlement.postpone(each.job, timezone.now())

    def _take_back(self, rows: Sequence[Ready], settlement: Settlement) -> None:
        """Their attempts are on file, but nothing was written of them: the next claim sends them."""
        self._put_back(rows, settlement)
        for each in rows:
            settlement.answer(each.job, Outcome.RETRY)

    def _write_attempts(self, rows: Sequence[Ready], settlement: Settlement) -> list[Ready]:
        """Commit what is about to be sent, and why; whoever looks it up later needs both."""
        sending = [
            Sending(
                each.job.pk,
                each.job.claimed.attempt,
                each.operation,
                json.dumps(each.payload),
                json.dumps(trace) if (trace := settlement.traces.pop(each.job.pk, None)) else "",
            )
            for each in rows
        ]
        ours = record_sending(sending, self.connection.pk, self.sender.salesforce_user_id, timezone.now())
        return [each for each in rows if each.job.pk in ours]

    def _call(self, rows: Sequence[Ready], send: Send, settlement: Settlement) -> None:
        """Send them in one call, or in halves where it is refused for what one of them may be to blame for."""
        for called in call_in_halves(rows, send, lambda: self._may_go_on(settlement)):
            if called.error is not None:
                self._settle_failure(called, called.error, settlement)
            elif called.results is not None:
                self._settle_results(called, called.results, settlement)
            else:
                self._take_back(called.rows, settlement)

    def _may_go_on(self, settlement: Settlement) -> bool:
        return not settlement.stops and not self._is_late() and _take_turn(self.connection, self.holder)

    def _settle_failure(self, called: Called, error: Exception, settlement: Settlement) -> None:
        if not isinstance(error, SalesforceError):
            logger.error("a call of connection %s failed after sending", self.connection.pk, exc_info=error)
        settlement.now = called.sent_at or settlement.now
        settlement.note_call(error)
        self.calls_made.append((len(called.rows), called.seconds, [error] * len(called.rows)))
        for each in called.rows:
            self._settle(each, error, settlement, whole_call=True)

    def _settle_results(self, called: Called, results: Sequence[RowResult], settlement: Settlement) -> None:
        errors = [result.error for result in results if result.error]
        self.calls_made.append((len(called.rows), called.seconds, errors))
        settlement.now = timezone.now()
        settlement.note_call(None)
        for each, result in zip(called.rows, results, strict=True):
            if result.error is None and result.id:
                self._record(each, result.id, settlement)
            else:
                error = result.error or OutcomeUnknown("result_empty")
                self._settle(each, error, settlement, whole_call=result.of_part)

    def _record(self, each: Ready, salesforce_id: str, settlement: Settlement) -> None:
        if each.logged:
            settlement.succeed_with_change(each.job, each.logged.pk, salesforce_id, digest_of(each.payload))
            return
        logged = Logged(
            each.job.pk,
            salesforce_id,
            self.sender.salesforce_user_id,
            digest_of(each.payload),
            "CallObject" in each.payload,
        )
        settlement.succeed(each.job, logged, each.related)

    def _settle(self, each: Ready, error: Exception, settlement: Settlement, *, whole_call: bool) -> None:
        is_update = each.operation == "update"
        decision = settlement.settle_sent(each.job, error, each.related, is_update=is_update, whole_call=whole_call)
        if decision.action == Action.SKIP and each.logged:
            LoggedRecord.objects.filter(pk=each.logged.pk).update(removed_at=settlement.now)


def _in_calls(rows: Sequence[Ready]) -> Iterator[Sequence[Ready]]:
    """Rows of one claim, as they go together in a call: all of them but for those that a composite would garble."""
    if len(rows) <= RECORDS_IN_A_CALL:
        together, apart = rows, []
    else:
        together = [each for each in rows if may_travel_in_composite(each.payload)]
        apart = [each for each in rows if not may_travel_in_composite(each.payload)]
    if together:
        yield together
    yield from (apart[start : start + RECORDS_IN_A_CALL] for start in range(0, len(apart), RECORDS_IN_A_CALL))
