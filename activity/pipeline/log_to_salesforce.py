"""Send what is due for one connection: claim, match, compose, call, record. Ends by itself after SYNC_DRAIN_LIMIT.

- Attempts are committed before the call, the call is made outside any transaction, and each row's result is
  recorded by its position after a count check.
- A worker that was away for half its lease does not send: another one may think it dead.
- What cannot be told after a call is looked up (verify.py), never sent again at once.
"""

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db import connection as database
from django.utils import timezone

from activity import wake
from activity.models import DueJob, Reason, SyncJob, SyncState
from activity.pipeline import breaker, turn
from activity.pipeline.claims import CLICKED_BY_PERSON, Claimed, claim
from activity.pipeline.hand_over import HandOver
from activity.pipeline.hold import hold_connection, hold_org, unhold_connection, unhold_org
from activity.pipeline.jobs import load_jobs
from activity.pipeline.pace import Pace
from activity.pipeline.prepare import prepare
from activity.pipeline.results import Finished, finish
from activity.pipeline.sender import Sender
from activity.pipeline.settle import Settlement
from activity.pipeline.standing import Standing, standings_of
from activity.pipeline.verify import verify
from integrations.models import Connection
from integrations.preflight import run_soon
from integrations.salesforce.client import RECORDS_IN_A_CALL
from integrations.salesforce.soql import in_chunks

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
    work = _Drain(connection, standing, holder)
    try:
        work.run()
    finally:
        turn.give_back(connection.pk, holder)
    _wake_for_rest(connection, work.found_nothing_at)


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


def _wake_for_rest(connection: Connection, found_nothing_at: datetime | None) -> None:
    """What is due soon gets its wake-up at its time; the sweep sees to the rest.

    What was due before `found_nothing_at` waits for something else: a wake-up for it would come again and again.
    """
    now = timezone.now()
    due = DueJob.objects.filter(connection=connection, parked=None, due_at__lte=now + SOON)
    if found_nothing_at is not None:
        due = due.filter(due_at__gt=found_nothing_at)
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
        self.sender = Sender(self.connection, self.standing.org, self.connection.membership)
        self.pace = Pace(self.connection.org.org_id)
        self.is_unheld = False
        self.found_nothing_at: datetime | None = None
        self.ends_at = time.monotonic() + settings.SYNC_DRAIN_LIMIT

    def run(self) -> None:
        """Batch after batch, until nothing is due, somebody else waits, or the time is up."""
        while time.monotonic() < self.ends_at and _take_turn(self.connection, self.holder):
            allowance, now = self._allowance(), timezone.now()
            if allowance.priority == breaker.NOTHING:
                return
            claimed = (
                self._claim_probe() if allowance.is_probe else self._claim(allowance.priority, self.pace.refresh())
            )
            if not claimed:
                if allowance.is_probe:  # nothing to try it with: the next one who has something does
                    breaker.give_probe_back(self.connection.org.org_id, timezone.now())
                self.found_nothing_at = now
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
        hand_over = HandOver(
            self.sender, settlement, self.claimed_at, lambda: _take_turn(self.connection, self.holder)
        )
        lost = [job for job in jobs if job.claimed.sent_at or job.claimed.unknown_since]
        if lost:
            verify(lost, self.sender, settlement)
        rest = [job for job in jobs if not (job.claimed.sent_at or job.claimed.unknown_since)]
        if rest:
            hand_over.send_all(prepare(rest, self.sender, settlement))
        settlement.now = timezone.now()
        done = settlement.write()
        self._take_back_doubles(settlement, done)
        self._note_health(settlement)
        for call in hand_over.calls_made:
            self.pace.note(*call)
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

    def _take_back_doubles(self, settlement: Settlement, done: set[int]) -> None:
        """We were overtaken between check and call, and the record exists twice: ours is the one too many."""
        mine = {each.job_id: each.salesforce_id for each in settlement.records if each.job_id not in done}
        if not mine:
            return
        theirs = SyncJob.objects.filter(pk__in=mine, state=SyncState.SYNCED).values_list("pk", "salesforce_id")
        doubles = [mine[pk] for pk, salesforce_id in theirs if salesforce_id != mine[pk]]
        if doubles:
            logger.warning("connection %s takes back %s records written twice", self.connection.pk, len(doubles))
            for part in in_chunks(doubles, RECORDS_IN_A_CALL):
                self.sender.client.delete_many(part)

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
