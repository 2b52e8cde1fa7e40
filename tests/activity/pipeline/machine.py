"""The life of jobs as a state machine: the pipeline's real functions and tables, a Salesforce in memory, a clock.

Workers die at any statement or call, are overtaken while Salesforce works, get answers late, twice or never; look-ups
fail or see nothing; people delete and edit records, retry and withdraw jobs; connections come and go. The invariants
hold after every step; in the end all is well again and everything settles.

An example is one transaction that is rolled back, the invariants read the tables in one statement, and what cannot
change within an example (the connection, its settings, describes) is read once: thousands of examples are wanted.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

import time_machine
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activity import repair
from activity.models import DueJob, Reason, SyncJob, SyncState
from activity.pipeline import doubles, log_to_salesforce, sweep, turn
from activity.pipeline.hold import STANDING_REASONS
from activity.pipeline.sender import Sender
from activity.pipeline.standing import standings_of
from integrations import losses
from integrations.models import Connection, ConnectionState
from integrations.salesforce.errors import UserInactive
from tests.activity.miscounted import miscounted
from tests.activity.pipeline.memory_salesforce import LATEST, Crash, MemorySalesforce
from tests.activity.stories import meeting, report, sent

ENDINGS = (
    "well",
    "drop",
    "lost_answer",
    "late",
    "not_sent",
    "rejected_call",
    "refused_call",
    "locked_row",
    "rejected_row",
    "crash_before",
    "crash_after",
)
STEPS_TO_REST = 60
SPIN_LIMIT = 4.0
"""Seconds of real time in which a drain must come to its end, for its clock stands still."""
OPEN = (SyncState.WAITING, SyncState.UNKNOWN, SyncState.HELD)
HELD_FOR = {str(reason) for reason in STANDING_REASONS}
_JOBS = """
SELECT j.id, j.key, j.state, j.reason, j.salesforce_id, d.job_id IS NOT NULL AS is_due,
       d.job_id IS NOT NULL AND d.unknown_since IS NULL AND d.sent_at IS NULL AS is_lost
FROM activity_syncjob j LEFT JOIN activity_duejob d ON d.job_id = j.id WHERE j.id > %s ORDER BY j.id
"""


class Job(NamedTuple):
    """A job and its place in the queue, as the invariants read them."""

    pk: int
    key: str
    state: str
    reason: str
    salesforce_id: str
    is_due: bool
    is_lost: bool


class JobMachine(RuleBasedStateMachine):
    """See the module. `begin_with` names the connection before the first example."""

    connection_id: int
    steps: ClassVar[int] = 0
    examples: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        JobMachine.examples += 1
        self.clock = time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False)
        self.time = self.clock.start()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.connection = log_to_salesforce._load(self.connection_id)
        self.workspace, self.owner = self.connection.workspace, self.connection.membership
        self.standing = standings_of(self.workspace, [self.owner])[self.owner.pk]
        self.sender: Sender | None = None
        self.salesforce = MemorySalesforce(self.connection.salesforce_user.user_id)
        self.salesforce.know(SyncJob.objects.values_list("key", "salesforce_id"))
        self.last_before = SyncJob.objects.latest("pk").pk
        self.reported = 0
        self.deleted_by_people: set[str] = set()
        self.overtaken_keys: set[str] = set()

    def teardown(self) -> None:
        try:
            self._come_to_rest()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)
            self.clock.stop()

    # --- What happens ---------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3))
    def somebody_sends(self, count: int) -> None:
        self._report([sent(self.reported + number) for number in range(count)])
        self.reported += count

    @rule()
    def somebody_agrees_to_meet(self) -> None:
        self._report([meeting(uid=f"uid-{self.reported}", source_id=f"meeting-{self.reported}")])
        self.reported += 1

    @rule(ending=st.sampled_from(ENDINGS), late_by=st.integers(0, int(LATEST.total_seconds())))
    def a_worker_sends(self, ending: str, late_by: int) -> None:
        self.salesforce.ending = ending
        self.salesforce.late_by = timedelta(seconds=late_by)
        self._work()
        self.salesforce.ending = "well"

    @rule(
        statement=st.integers(1, 45), is_after=st.booleans(), ending=st.sampled_from(("well", "lost_answer", "late"))
    )
    def a_worker_dies_at_a_statement(self, statement: int, is_after: bool, ending: str) -> None:
        self.salesforce.ending = ending
        with database.execute_wrapper(_Death(statement, is_after=is_after)):
            self._work()
        self.salesforce.ending = "well"

    @rule(is_committed=st.booleans(), ending=st.sampled_from(("well", "lost_answer", "crash_after")))
    def a_worker_is_overtaken(self, is_committed: bool, ending: str) -> None:
        """Frozen in the call until its lease is over, while others work."""
        if is_committed:
            self.salesforce.after_commit = self._others_work
        else:
            self.salesforce.before_commit = self._others_work_meanwhile
        self.salesforce.ending = ending
        self._work()
        self.salesforce.before_commit = self.salesforce.after_commit = None
        self.salesforce.ending = "well"

    @rule()
    def a_wake_up_comes_twice(self) -> None:
        self._work()
        self._work()

    @rule(seconds=st.sampled_from((1, 5, 30, 60, 240, 420, 601)))
    def time_passes(self, seconds: int) -> None:
        self.time.shift(seconds)
        self.salesforce.commit_late_work()

    @rule()
    def the_sweep_runs(self) -> None:
        sweep.sweep()

    @rule(times=st.integers(1, 3))
    def look_ups_fail(self, times: int) -> None:
        self.salesforce.failing_look_ups = times

    @precondition(lambda self: any(not record.is_deleted for record in self.salesforce.new_records))
    @rule(choice=st.randoms(use_true_random=False), deletes=st.booleans())
    def somebody_touches_a_record(self, choice: Any, deletes: bool) -> None:
        record = choice.choice([each for each in self.salesforce.new_records if not each.is_deleted])
        self.time.shift(2)
        record.modified_at = timezone.now()
        if deletes:
            record.is_deleted = True
            self.deleted_by_people.add(record.key)

    @rule(is_blind=st.booleans())
    def look_ups_see_nothing(self, is_blind: bool) -> None:
        """Whatever stands there, as when a permission was taken away; or again everything."""
        self.salesforce.is_blind = is_blind

    @rule(choice=st.randoms(use_true_random=False))
    def somebody_retries(self, choice: Any) -> None:
        self._press(repair.retry, choice)

    @rule(choice=st.randoms(use_true_random=False))
    def somebody_withdraws(self, choice: Any) -> None:
        self._press(repair.withdraw, choice)

    def _press(self, button: Callable[[SyncJob, Any], None], choice: Any) -> None:
        """On any job; where it says "needs a look", people look first and leave what is in Salesforce as it is."""
        jobs = [job for job in self._jobs() if job.reason != Reason.NEEDS_A_LOOK or not self._is_there(job.key)]
        if jobs:
            with suppress(repair.RepairError):
                button(SyncJob.objects.get(pk=choice.choice(jobs).pk), self.owner.user)

    def _is_there(self, key: str) -> bool:
        """Whether Salesforce has it, or is going to."""
        return bool(self.salesforce.of_key(key)) or bool(self.salesforce.late)

    @rule()
    def the_connection_is_lost(self) -> None:
        losses.mark_lost(self.connection, UserInactive("inactive_user"))

    @rule()
    def the_connection_is_back(self) -> None:
        losses.restore(self.connection)

    # --- What must hold -------------------------------------------------------------------------------------

    @invariant()
    def all_holds(self) -> None:
        """After each step."""
        JobMachine.steps += 1
        self.no_key_twice()
        self.every_job_is_explained()

    def no_key_twice(self) -> None:
        """Not even a deleted one: what a person removed is not written again."""
        counts = Counter(record.key for record in self.salesforce.records)
        twice = [key for key, count in counts.items() if count > 1 and key not in self.overtaken_keys]
        assert not twice, twice

    def every_job_is_explained(self) -> None:
        ids = {record.id: record.key for record in self.salesforce.records}
        for job in self._jobs():
            if job.state == SyncState.SYNCED:
                assert ids.get(job.salesforce_id) == job.key, f"{job} says it is synced"
            elif job.state not in (SyncState.WAITING, SyncState.UNKNOWN):
                assert job.reason, job
            # What was reported while it could not flow gets its place in the queue when it can.
            waits = job.state in OPEN and job.reason not in HELD_FOR
            assert job.is_due if waits else not job.is_due or job.state in OPEN, job
            assert job.state != SyncState.UNKNOWN or not job.is_lost, f"nobody looks {job} up"

    def _come_to_rest(self) -> None:
        """All is well again: then each job ends, and Salesforce has what we say."""
        losses.restore(self.connection)
        self.salesforce.failing_look_ups, self.salesforce.is_blind = 0, False
        for _ in range(STEPS_TO_REST):
            if not self._open_jobs():
                break
            self.time.shift(180)
            self.salesforce.commit_late_work()
            sweep.sweep()
            self._work()
        self.salesforce.commit_late_work(all_of_it=True)
        self._remove_doubles()
        self.every_job_is_explained()
        self.no_key_twice()
        assert not self._open_jobs()
        assert miscounted() == []
        self._compare_with_salesforce()

    def _open_jobs(self) -> list[Job]:
        return [job for job in self._jobs() if job.state in OPEN and job.reason != Reason.SAME_ERROR]

    def _compare_with_salesforce(self) -> None:
        """What says "needs a look" may be there or not: that is what there is to look for."""
        for job in self._jobs():
            live = sum(not record.is_deleted for record in self.salesforce.of_key(job.key))
            if job.state == SyncState.SYNCED:
                may_be_gone, may_be_twice = job.key in self.deleted_by_people, job.key in self._touched_doubles()
                assert live == 1 or (live == 0 and may_be_gone) or (live > 1 and may_be_twice), (job, live)
            elif job.reason != Reason.NEEDS_A_LOOK:
                assert not live, (job, live)

    def _touched_doubles(self) -> set[str]:
        """Keys that a frozen worker wrote again, of which a person edited a record: nobody takes it from them."""
        touched = {record.key for record in self.salesforce.records if record.modified_at != record.created_at}
        return touched & self.overtaken_keys

    # --- How --------------------------------------------------------------------------------------------------

    def _jobs(self) -> list[Job]:
        with database.cursor() as cursor:
            cursor.execute(_JOBS, [self.last_before])
            return [Job(*row) for row in cursor.fetchall()]

    def _is_connected(self) -> bool:
        return Connection.objects.filter(pk=self.connection_id, state=ConnectionState.CONNECTED).exists()

    def _report(self, items: list[Any]) -> None:
        results = report(self.workspace, *items)
        assert [each.status for each in results] == ["accepted"] * len(items)

    def _work(self) -> None:
        """A wake-up; whoever dies gives nothing back."""
        with suppress(Crash):
            self._drain()
        # A death in a single statement, which is a transaction of its own elsewhere, is none of the example's.
        transaction.set_rollback(False)

    def _drain(self) -> None:
        """As log_to_salesforce.drain does, with the memory for a client."""
        drain = log_to_salesforce
        if not self._is_connected():
            return
        holder = uuid.uuid4()
        if not drain._take_turn(self.connection, holder):
            return
        worker = drain._Drain(self.connection, self.standing, holder)
        worker.sender = self.sender = self.sender or self._make_sender(worker.sender)
        began = time.perf_counter()
        worker.run()
        assert time.perf_counter() - began < SPIN_LIMIT, "a worker goes round and round"
        turn.give_back(self.connection.pk, holder)

    def _make_sender(self, sender: Sender) -> Sender:
        sender.__dict__["client"] = self.salesforce
        return sender

    def _others_work(self) -> None:
        self.time.shift(settings.SYNC_LEASE + 1)
        self.salesforce.commit_late_work()
        for _ in range(2):
            self._work()
            self.time.shift(60)

    def _others_work_meanwhile(self) -> None:
        """The open hole: who is frozen between the last check and the call writes a second record."""
        sending = DueJob.objects.filter(sent_at__isnull=False).values_list("job__key", flat=True)
        self.overtaken_keys |= set(sending)
        self._others_work()
        self.time.shift(max(settings.SYNC_LOOKUP_DELAYS))
        self._work()

    def _remove_doubles(self) -> None:
        """The hourly look: afterwards nothing stands there twice, but for what a person touched."""
        since = timezone.now() - timedelta(days=2)
        for records in doubles._keys_sent_twice(since).values():
            doubles._take_back(records, self.salesforce, since)
        for key in self.overtaken_keys - self._touched_doubles() - self.deleted_by_people:
            live = [record for record in self.salesforce.of_key(key) if not record.is_deleted]
            assert len(live) <= 1, key


class _Death:
    """Lets the process die at the n-th statement from now, before the database does it or after."""

    def __init__(self, statement: int, *, is_after: bool) -> None:
        self.left, self.is_after = statement, is_after

    def __call__(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.is_after:
            raise Crash
        result = execute(sql, *arguments)
        if self.left == 0:
            raise Crash
        return result
