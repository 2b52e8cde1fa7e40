"""What must hold in the machine's world: after each step, and when all is well again and everything settled."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection as database
from django.utils import timezone
from hypothesis.stateful import invariant

from activity.models import DueJob, Kind, Reason, SyncJob, SyncState
from activity.pipeline import doubles, sweep
from activity.pipeline.hold import STANDING_REASONS
from integrations import losses
from tests.activity.miscounted import miscounted
from tests.activity.pipeline.machine_world import World
from tests.activity.pipeline.memory_salesforce import Record

STEPS_TO_REST = 60
OPEN = (SyncState.WAITING, SyncState.UNKNOWN, SyncState.HELD)
HELD_FOR = {str(reason) for reason in STANDING_REASONS}
_JOBS = """
SELECT j.id, j.key, j.state, j.reason, j.salesforce_id, j.kind, a.meeting_id, j.recipient, d.job_id IS NOT NULL,
       d.job_id IS NOT NULL AND d.unknown_since IS NULL AND d.sent_at IS NULL
FROM activity_syncjob j JOIN activity_activity a ON a.id = j.activity_id
LEFT JOIN activity_duejob d ON d.job_id = j.id WHERE j.id > %s ORDER BY j.id
"""


class Job(NamedTuple):
    """A job and its place in the queue, as the invariants read them; a meeting's newest report comes last."""

    pk: int
    key: str
    state: str
    reason: str
    salesforce_id: str
    kind: str
    meeting: int | None
    recipient: str
    is_due: bool
    is_lost: bool

    @property
    def place(self) -> tuple[str, str]:
        """What has one record: the mail to an address, the life of a meeting with an address."""
        return (f"meeting {self.meeting}" if self.meeting else self.key, self.recipient)


class Checks(World):
    """`meetings`: when each begins by its last report, by its id here."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.last_before = SyncJob.objects.latest("pk").pk
        self.deleted_by_people: set[str] = set()
        self.meetings: dict[int, datetime] = {}

    def _jobs(self) -> list[Job]:
        with database.cursor() as cursor:
            cursor.execute(_JOBS, [self.last_before])
            return [Job(*row) for row in cursor.fetchall()]

    @invariant()
    def all_holds(self) -> None:
        """After each step."""
        Checks.steps += 1
        self.no_key_twice()
        self.every_job_is_explained()

    def no_key_twice(self) -> None:
        """Not even a deleted one: what a person removed is not written again."""
        counts = Counter(record.key for record in self.salesforce.records)
        twice = [key for key, count in counts.items() if count > 1 and key not in self.overtaken_keys]
        assert not twice, twice

    def every_job_is_explained(self) -> None:
        jobs = self._jobs()
        ids = {record.id: record.key for record in self.salesforce.records}
        keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        for job in jobs:
            keys[job.place].add(job.key)
            if job.state == SyncState.SYNCED:
                # A meeting that was moved changes the record of an earlier report.
                assert ids.get(job.salesforce_id) in keys[job.place], f"{job} says it is synced"
            elif job.state not in (SyncState.WAITING, SyncState.UNKNOWN):
                assert job.reason, job
            # What was reported while it could not flow gets its place in the queue when it can.
            waits = job.state in OPEN and job.reason not in HELD_FOR
            assert job.is_due if waits else not job.is_due or job.state in OPEN, job
            assert job.state != SyncState.UNKNOWN or not job.is_lost, f"nobody looks {job} up"

    # --- At rest --------------------------------------------------------------------------------------------

    def _come_to_rest(self) -> None:
        """All is well again: then each job ends, and Salesforce has what we say."""
        if not self._is_live():
            self._connect_again()
        losses.restore(self.connection)
        self.salesforce.failing_look_ups, self.salesforce.is_blind = 0, False
        for _ in range(STEPS_TO_REST):
            left = self._open_jobs()
            if not left:
                break
            only_parked = all(job.reason == Reason.SAME_ERROR for job in left)
            self.time.shift(3_601 if only_parked else 180)
            self.salesforce.commit_late_work()
            sweep.sweep()
            self._work()
        self.salesforce.commit_late_work(all_of_it=True)
        self._remove_doubles()
        self.every_job_is_explained()
        self.no_key_twice()
        assert not self._open_jobs(), self._open_jobs()
        assert not DueJob.objects.filter(job__gt=self.last_before).exists()
        assert miscounted() == []
        self._compare_with_salesforce()

    def _open_jobs(self) -> list[Job]:
        return [job for job in self._jobs() if job.state in OPEN]

    def _compare_with_salesforce(self) -> None:
        """What says "needs a look" may be there or not: that is what there is to look for."""
        places: dict[tuple[str, str], list[Job]] = defaultdict(list)
        key_of = {record.id: record.key for record in self.salesforce.records}
        for job in self._jobs():
            places[job.place].append(job)
        for jobs in places.values():
            synced = {key_of[job.salesforce_id] for job in jobs if job.state == SyncState.SYNCED}
            for key in synced:
                live = len(self._live(key))
                may_be_gone, may_be_twice = key in self.deleted_by_people, key in self._touched_doubles()
                assert live == 1 or (live == 0 and may_be_gone) or (live > 1 and may_be_twice), (jobs, live)
            for job in jobs:
                if job.key not in synced and job.reason != Reason.NEEDS_A_LOOK:
                    assert not self._live(job.key), job
            if jobs[0].meeting and not any(job.reason == Reason.NEEDS_A_LOOK for job in jobs):
                self._compare_meeting(jobs, synced)

    def _compare_meeting(self, jobs: list[Job], keys: set[str]) -> None:
        """One Event, that says what was reported last, unless the last report was stopped."""
        assert len(keys) <= 1, jobs
        *_, newest = jobs
        if newest.state != SyncState.SYNCED and newest.reason != Reason.SUPERSEDED:
            return
        takes_place = newest.kind == Kind.MEETING_CONFIRMED
        start = self.meetings[newest.meeting]
        events = [event for key in keys for event in self._live(key)]
        assert events or not takes_place or keys & self.deleted_by_people, jobs
        wanted = (f"{start:%Y-%m-%dT%H:%M:%SZ}", "Busy" if takes_place else "Free")
        for event in events:
            assert (event.fields["StartDateTime"], event.fields["ShowAs"]) == wanted, (jobs, event)

    def _live(self, key: str) -> list[Record]:
        return [record for record in self.salesforce.of_key(key) if not record.is_deleted]

    def _touched_doubles(self) -> set[str]:
        """Keys that a frozen worker wrote again, of which a person edited a record: nobody takes it from them."""
        return {record.key for record in self.salesforce.records if record.is_touched} & self.overtaken_keys

    def _remove_doubles(self) -> None:
        """The hourly look: afterwards nothing stands there twice, but for what a person touched."""
        since = timezone.now() - timedelta(days=2)
        for records in doubles._keys_sent_twice(since).values():
            doubles._take_back(records, self.salesforce, since)
        for key in self.overtaken_keys - self._touched_doubles() - self.deleted_by_people:
            assert len(self._live(key)) <= 1, key
