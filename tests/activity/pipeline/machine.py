"""The life of jobs as a state machine: the pipeline's real functions and tables, a Salesforce in memory, a clock.

Workers die at any statement or call, are overtaken while Salesforce works, get answers late, twice or never; look-ups
fail or see nothing; meetings move and are canceled; people delete and edit records, retry and withdraw jobs, add
rules; connections come and go. machine_checks.py says what holds after every step and what in the end.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

from django.db import connection as database
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from activity import repair
from activity.exclusions import add_for_role
from activity.models import ExclusionKind, Kind, Meeting, Reason, SyncJob
from activity.pipeline import sweep
from activity.pipeline.captured import Attendee, Person
from integrations import losses
from integrations.salesforce.errors import UserInactive
from tests.activity.pipeline.machine_checks import Checks
from tests.activity.pipeline.machine_world import Death
from tests.activity.pipeline.memory_salesforce import LATEST
from tests.activity.stories import NOON, NORA, PETER, meeting, sent

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


class JobMachine(Checks):
    """See the module. `connection_id` is set before the first example."""

    examples: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        JobMachine.examples += 1
        self.reported = 0

    def teardown(self) -> None:
        try:
            self._come_to_rest()
        finally:
            self._end_example()

    # --- What is reported -------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 3), to=st.sampled_from((NORA, NORA, PETER)))
    def somebody_sends(self, count: int, to: str) -> None:
        self._report([sent(self.reported + number, to=(Person(to),)) for number in range(count)])
        self.reported += count

    @rule()
    def somebody_agrees_to_meet(self) -> None:
        self._report_meeting(f"uid-{self.reported}", 14, Kind.MEETING_CONFIRMED)

    @precondition(lambda self: self.meetings)
    @rule(
        choice=st.randoms(use_true_random=False),
        hour=st.sampled_from((14, 16)),
        kind=st.sampled_from((Kind.MEETING_CONFIRMED, Kind.MEETING_CONFIRMED, Kind.MEETING_CANCELED)),
    )
    def a_meeting_changes(self, choice: Any, hour: int, kind: Kind) -> None:
        """It moves, moves back, is canceled, or takes place after all."""
        self._change_meeting(choice, hour, kind)

    def _change_meeting(self, choice: Any, hour: int, kind: Kind) -> None:
        uids = Meeting.objects.filter(pk__in=self.meetings).order_by("pk").values_list("uid", flat=True)
        self._report_meeting(choice.choice(list(uids)), hour, kind)

    def _report_meeting(self, uid: str, hour: int, kind: Kind) -> None:
        at = NOON + timedelta(seconds=self.reported)
        attendees = (Attendee(NORA, "Nora West", "accepted"), Attendee(PETER), Attendee("ben@acme.example"))
        source_id = f"meeting-{self.reported}"
        item = meeting(kind, uid=uid, hour=hour, at=at, source_id=source_id, attendees=attendees)
        self._report([item])
        self.reported += 1
        self.meetings[Meeting.objects.get(uid=uid).pk] = item.meeting.start

    # --- What workers do --------------------------------------------------------------------------------------

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
        with database.execute_wrapper(Death(statement, is_after=is_after)):
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

    @precondition(lambda self: self._is_live())
    @rule(
        ending=st.sampled_from(ENDINGS),
        what=st.sampled_from(("connects again", "moves", "excludes")),
        choice=st.randoms(use_true_random=False),
    )
    def something_happens_during_a_call(self, ending: str, what: str, choice: Any) -> None:
        happenings = {
            "connects again": self._reconnect,
            "moves": lambda: self.meetings and self._change_meeting(choice, 16, Kind.MEETING_CONFIRMED),
            "excludes": self.a_rule_is_added,
        }
        self.salesforce.meanwhile = happenings[what]
        self.salesforce.ending = ending
        self._work()
        self.salesforce.meanwhile, self.salesforce.ending = None, "well"

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

    @rule(is_blind=st.booleans())
    def look_ups_see_nothing(self, is_blind: bool) -> None:
        """Whatever stands there, as when a permission was taken away; or again everything."""
        self.salesforce.is_blind = is_blind

    # --- What people do ---------------------------------------------------------------------------------------

    @precondition(lambda self: any(not record.is_deleted for record in self.salesforce.new_records))
    @rule(choice=st.randoms(use_true_random=False), deletes=st.booleans())
    def somebody_touches_a_record(self, choice: Any, deletes: bool) -> None:
        record = choice.choice([each for each in self.salesforce.new_records if not each.is_deleted])
        self.time.shift(2)
        record.modified_at, record.is_touched = timezone.now(), True
        if deletes:
            record.is_deleted = True
            self.deleted_by_people.add(record.key)

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
    def a_rule_is_added(self) -> None:
        """From now on nothing of Peter's is logged, also what waits."""
        add_for_role(self.owner.role, ExclusionKind.ADDRESS, PETER, None)
        self._renew_sender()

    # --- The connection ---------------------------------------------------------------------------------------

    @rule()
    def the_connection_is_lost(self) -> None:
        losses.mark_lost(self.connection, UserInactive("inactive_user"))

    @rule()
    def the_connection_is_back(self) -> None:
        losses.restore(self.connection)

    @precondition(lambda self: self._is_live())
    @rule()
    def somebody_disconnects(self) -> None:
        self._disconnect()

    @rule()
    def somebody_connects_again(self) -> None:
        """As the same Salesforce user."""
        self._reconnect()

    def _reconnect(self) -> None:
        if self._is_live():
            self._disconnect()
        self._connect_again()
