"""The kept counts are what counting the rows would give, whatever was done to the rows."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.db import connections, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity.counts import Count, count_rows, count_up_to, fold_counts, forget_empty_counts, sum_rows
from activity.erasure import erase_address
from activity.models import Activity, Counted, Reason, RowCount, RowCountChange, RowCountSum, SyncJob, SyncState
from activity.retention import forget_workspace
from tests.activity.miscounted import miscounted
from tests.activity.rows import GRACE, NOON, make_activity, make_job
from workspaces.models import Membership, Workspace

KEYS = ("workspace", "kind", "state", "reason", "error_code")


def quarter_of(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def rows_there() -> Counter[tuple]:
    """What counting gives: each row for its owner and for everybody, in its quarter of an hour and in all time."""
    found: Counter[tuple] = Counter()
    for *what, owner, created_at in SyncJob.objects.values_list(*KEYS, "owner", "created_at"):
        found.update(("log", *what, *level) for level in product((owner, None), (quarter_of(created_at), None)))
    for workspace, owner, occurred_at in Activity.objects.values_list("workspace", "owner", "occurred_at"):
        levels = product((owner, None), (quarter_of(occurred_at), None))
        found.update(("feed", workspace, "", "", "", "", *level) for level in levels)
    return found


def rows_kept() -> Counter[tuple]:
    counts = RowCount.objects.values_list("counted", *KEYS, "owner", "quarter").annotate(Sum("rows"))
    return Counter({tuple(keys): rows for *keys, rows in counts if rows})


def fail(job: SyncJob) -> None:
    SyncJob.objects.filter(pk=job.pk).update(
        state=SyncState.FAILED, reason=Reason.REJECTED, error_code="X", salesforce_id=""
    )


def hold_all(job: SyncJob) -> None:
    SyncJob.objects.filter(owner=job.owner).exclude(state=SyncState.SYNCED).update(
        state=SyncState.HELD, reason=Reason.PLAN, error_code=""
    )


def write_the_same(job: SyncJob) -> None:
    job.save()


def move(job: SyncJob) -> None:
    job.activity.occurred_at += timedelta(hours=5)
    job.activity.save()


def lose(job: SyncJob) -> None:
    """A transaction that is taken back leaves nothing."""
    with transaction.atomic():
        fail(job)
        transaction.set_rollback(True)


def delete_activity(job: SyncJob) -> None:
    job.activity.delete()


def delete_row(job: SyncJob) -> None:
    job.delete()


def erase(job: SyncJob) -> None:
    erase_address(job.workspace, job.recipient)


DONE_TO_ROWS = (fail, hold_all, write_the_same, move, lose, delete_activity, delete_row, erase)
MADE = st.tuples(st.just("make"), st.integers(0, 1), st.integers(0, 40), st.sampled_from(["synced", "waiting"]))
DONE = st.tuples(st.sampled_from(DONE_TO_ROWS), st.integers(0, 20))
FOLDED = st.just(("fold",))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(MADE, MADE, DONE, FOLDED), max_size=25))
def test_whatever_is_done_to_the_rows(ben_member: Membership, cleo_member: Membership, steps: list[tuple]) -> None:
    with transaction.atomic():
        for step, *more in steps:
            do(step, more, (ben_member, cleo_member))
            assert rows_kept() == rows_there()
        transaction.set_rollback(True)


def do(step, more: list, owners: tuple[Membership, ...]) -> None:
    if step == "make":
        whose, minutes, state = more
        make_job(owners[whose], SyncState(state), created_at=NOON + timedelta(minutes=minutes))
    elif step == "fold":
        fold_counts()
    else:
        job = SyncJob.objects.order_by("pk")[more[0] :].first()
        if job:
            step(job)


def test_a_count_that_is_off_by_one_is_seen(ben_member: Membership) -> None:
    """The control of those who compare in the database."""
    make_job(ben_member)
    assert miscounted() == []
    fold_counts()
    assert miscounted() == []
    RowCountSum.objects.filter(owner=ben_member, counted=Counted.LOG).update(rows=2)
    assert sorted(row[-1] for row in miscounted()) == [1, 1, 2, 2]


def test_a_fold_leaves_sums_alone_and_nothing_of_what_went(ben_member: Membership) -> None:
    jobs = [make_job(ben_member), make_job(ben_member)]
    fold_counts()
    fail(jobs[0])
    jobs[1].delete()
    fold_counts()
    before = rows_kept()

    forget_empty_counts()

    assert not RowCountChange.objects.exists()
    assert not RowCountSum.objects.filter(rows__lte=0).exists()
    assert rows_kept() == before == rows_there()


def test_a_member_who_is_deleted_takes_the_counts_along(ben_member: Membership) -> None:
    make_job(ben_member)
    fold_counts()
    make_job(ben_member)
    ben_member.delete()
    fold_counts()
    forget_empty_counts()

    assert rows_kept() == rows_there() == Counter()
    assert not RowCountSum.objects.exists()


def test_what_is_forgotten_is_counted_no_more(acme: Workspace, ben_member: Membership) -> None:
    make_job(ben_member, SyncState.SYNCED)
    make_job(ben_member)

    forget_workspace(acme, NOON + timedelta(days=30))

    assert sum_rows(count_rows(Counted.LOG, acme)) == SyncJob.objects.count() == 1
    assert rows_kept() == rows_there()


@pytest.mark.django_db(transaction=True)
def test_writers_and_folds_at_once_lose_and_double_nothing(acme: Workspace, ben_member: Membership) -> None:
    """Six writers and two folds; a reader finds at every moment as many rows as there are, and none twice."""
    activity = make_activity(ben_member)
    seen: list[tuple[int, int]] = []

    def write(writer: int) -> None:
        chance = random.Random(writer)
        jobs = []
        for number in range(60):
            address = f"{writer}-{number}@hopper.example"
            jobs.append(make_job(ben_member, activity=activity, recipient=address))
            if chance.random() < 0.6:
                fail(chance.choice(jobs))
            if chance.random() < 0.2:
                jobs.pop(chance.randrange(len(jobs))).delete()

    def fold(_: int) -> None:
        for _ in range(100):
            fold_counts()

    def look(_: int) -> None:
        for _ in range(100):
            with transaction.atomic():
                connections["default"].cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                seen.append((sum_rows(count_rows(Counted.LOG, acme, ben_member)), SyncJob.objects.count()))

    def run(work, number: int) -> None:
        try:
            work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(9) as threads:
        done = [threads.submit(run, write, number) for number in range(6)]
        done += [threads.submit(run, work, 0) for work in (fold, fold, look)]
        for each in done:
            each.result()

    assert [kept for kept, _ in seen] == [there for _, there in seen]
    assert rows_kept() == rows_there()
    fold_counts()
    assert rows_kept() == rows_there()
    assert RowCountSum.objects.filter(rows__lt=0).count() == 0


def test_days_begin_on_a_quarter_of_an_hour() -> None:
    """What the kept counts rest on, in every time zone there is; two years with their changes to summer time."""
    days = [datetime(2026, 1, 1) + timedelta(days=day) for day in range(730)]  # noqa: DTZ001 - the zone comes next
    zones = [ZoneInfo(name) for name in available_timezones() - {"localtime"}]

    assert len(zones) > 400
    assert {day.replace(tzinfo=zone).timestamp() % 900 for zone in zones for day in days} == {0}


def test_how_a_count_is_read(ben_member: Membership) -> None:
    assert [str(Count(1_234)), str(Count(1_000, is_exact=False)), str(Count())] == ["1,234", "1,000+", "0"]
    assert Count(1_000, is_exact=False) + Count(3) == Count(1_003, is_exact=False)
    for number in range(3):
        make_job(ben_member, recipient=f"{number}{GRACE}")
    rows = SyncJob.objects.all()
    assert [count_up_to(rows, most) for most in (2, 3)] == [Count(2, is_exact=False), Count(3)]
