"""The life of jobs as a state machine: the pipeline's real functions and tables, a Salesforce in memory, a clock.

Workers die at any statement or call, are overtaken while Salesforce works, get answers late, twice or never; people
delete and edit records; connections come and go. The invariants hold after every step; in the end all is well again
and everything settles.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activity.models import DueJob, SyncJob, SyncState
from activity.pipeline import doubles, log_to_salesforce, sweep, turn
from activity.pipeline.hold import STANDING_REASONS, hold_connection
from activity.pipeline.standing import standings_of
from integrations import losses
from integrations.models import Connection, ConnectionState
from integrations.salesforce.errors import UserInactive
from tests.activity.pipeline.memory_salesforce import LATEST, Crash, MemorySalesforce
from tests.activity.stories import meeting, report, sent

ENDINGS = (
    "well",
    "drop",
    "lost_answer",
    "late",
    "not_sent",
    "rejected_call",
    "locked_row",
    "rejected_row",
    "crash_before",
    "crash_after",
)
STEPS_TO_REST = 60
SPIN_LIMIT = 4.0
"""Seconds of real time in which a drain must come to its end, for its clock stands still."""
OPEN = (SyncState.WAITING, SyncState.UNKNOWN, SyncState.HELD)


class JobMachine(RuleBasedStateMachine):
    """See the module. `begin_with` names the connection before the first example."""

    connection_id: int

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False)
        self.time = self.clock.start()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.connection = Connection.objects.select_related("workspace", "salesforce_user").get(pk=self.connection_id)
        self.workspace = self.connection.workspace
        self.salesforce = MemorySalesforce(self.connection.salesforce_user.user_id)
        self.salesforce.know(SyncJob.objects.values_list("key", "salesforce_id"))
        self.before = set(SyncJob.objects.values_list("pk", flat=True))
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

    @rule()
    def the_connection_is_lost(self) -> None:
        losses.mark_lost(self.connection, UserInactive("inactive_user"))

    @rule()
    def the_connection_is_back(self) -> None:
        losses.restore(self.connection)

    # --- What must hold -------------------------------------------------------------------------------------

    @invariant()
    def no_key_twice(self) -> None:
        """Not even a deleted one: what a person removed is not written again."""
        for key in {record.key for record in self.salesforce.records} - self.overtaken_keys:
            assert len(self.salesforce.of_key(key)) == 1, key

    @invariant()
    def every_job_is_explained(self) -> None:
        due = set(DueJob.objects.values_list("job", flat=True))
        ids = {record.id: record.key for record in self.salesforce.records}
        rows = self._jobs().values_list("pk", "key", "state", "reason", "salesforce_id")
        for pk, key, state, reason, salesforce_id in rows:
            if state == SyncState.SYNCED:
                assert ids.get(salesforce_id) == key, f"{pk} says it is synced"
            elif state not in (SyncState.WAITING, SyncState.UNKNOWN):
                assert reason, pk
            # What was reported while it could not flow gets its place in the queue when it can.
            waits = state in OPEN and reason not in STANDING_REASONS
            assert pk in due if waits else pk not in due or state in OPEN, f"{pk} is {state} {reason}"

    @invariant()
    def what_is_unknown_is_looked_up(self) -> None:
        assert not DueJob.objects.filter(job__state=SyncState.UNKNOWN, unknown_since=None, sent_at=None).exists()

    def _come_to_rest(self) -> None:
        """All is well again: then each job ends, and Salesforce has what we say."""
        losses.restore(self.connection)
        self.salesforce.failing_look_ups = 0
        for _ in range(STEPS_TO_REST):
            if not SyncJob.objects.filter(state__in=OPEN).exclude(reason="same_error").exists():
                break
            self.time.shift(180)
            self.salesforce.commit_late_work()
            sweep.sweep()
            self._work()
        self.salesforce.commit_late_work(all_of_it=True)
        self._remove_doubles()
        self.every_job_is_explained()
        self.no_key_twice()
        open_jobs = SyncJob.objects.filter(state__in=OPEN).exclude(reason="same_error")
        assert not open_jobs.exists(), list(open_jobs.values("pk", "state", "reason", "error_code", "due__due_at"))
        self._compare_with_salesforce()

    def _compare_with_salesforce(self) -> None:
        for key, state in self._jobs().values_list("key", "state"):
            live = [record for record in self.salesforce.of_key(key) if not record.is_deleted]
            if state == SyncState.SYNCED:
                assert len(live) == 1 or key in self.deleted_by_people, (key, len(live))
            else:
                assert not live, (key, state)

    # --- How --------------------------------------------------------------------------------------------------

    def _jobs(self) -> QuerySet[SyncJob]:
        return SyncJob.objects.exclude(pk__in=self.before)

    def _report(self, items: list[Any]) -> None:
        results = report(self.workspace, *items)
        assert [each.status for each in results] == ["accepted"] * len(items)

    def _work(self) -> None:
        """A wake-up; whoever dies gives nothing back."""
        with suppress(Crash):
            self._drain()

    def _drain(self) -> None:
        """As log_to_salesforce.drain does, with the memory for a client."""
        drain = log_to_salesforce
        connection = drain._load(self.connection_id)
        if connection is None or connection.state != ConnectionState.CONNECTED:
            return
        standing = standings_of(self.workspace, [connection.membership])[connection.membership.pk]
        if standing.reason is not None:
            hold_connection(connection, standing.reason, standing.detail)
        holder = uuid.uuid4()
        if not drain._take_turn(connection, holder):
            return
        worker = drain._Drain(connection, standing, holder)
        worker.sender.__dict__["client"] = self.salesforce
        began = time.perf_counter()
        worker.run()
        assert time.perf_counter() - began < SPIN_LIMIT, "a worker goes round and round"
        turn.give_back(connection.pk, holder)

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
        touched = {record.key for record in self.salesforce.records if record.modified_at != record.created_at}
        for records in doubles._keys_sent_twice(since).values():
            doubles._take_back(records, self.salesforce, since)
        for key in self.overtaken_keys - touched - self.deleted_by_people:
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
