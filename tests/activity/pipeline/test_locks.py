"""Nobody blocks whom he is blocked by: a worker writes results while a person, or another worker, changes rows."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.utils import timezone

from activity import causes, repair
from activity.models import Reason, SyncJob, SyncState
from activity.pipeline import hold
from activity.pipeline.claims import Claimed, claim
from activity.pipeline.results import Finished, Postponed, finish, postpone
from activity.retention import forget_workspace
from integrations.models import Connection
from tests.activity.rows import NOON, make_job
from tests.activity.stories import report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, User, Workspace

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 5


class Elsewhere(Thread):
    """Does one thing over a database connection of its own; `error` is what it raised."""

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.do, self.error = do, None
        self.start()

    def run(self) -> None:
        try:
            self.do()
        except Exception as error:
            self.error = error
        finally:
            connections.close_all()


BLOCKED = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def wait_until_blocked(count: int) -> None:
    """So many others wait for locks."""
    for _ in range(PATIENCE * 100):
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(BLOCKED)
            if cursor.fetchone() == (count,):
                return
        time.sleep(0.01)
    raise AssertionError(f"not {count} waited")


@pytest.fixture
def batch(salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace) -> list[Claimed]:
    """Two jobs in a worker's hands."""
    report(acme, sent(1), sent(2))
    now = timezone.now() + timedelta(seconds=60)
    return claim(bens_connection.pk, now, now + timedelta(seconds=600))


def set_aside(claimed: Claimed) -> None:
    finish([Finished(claimed.job_id, claimed.attempt, SyncState.SKIPPED, Reason.NO_MATCH)], timezone.now())


def put_off(claimed: Claimed) -> None:
    postpone([Postponed(claimed.job_id, claimed.attempt, timezone.now())], timezone.now())


@pytest.mark.parametrize("by", ["org", "connection", "workspace", "release", "cause", "leaving"])
def test_rows_that_a_worker_is_writing_are_left_to_it(
    batch: list[Claimed], bens_connection: Connection, acme: Workspace, ben_member: Membership, ben: User, by: str
) -> None:
    if by in ("release", "cause"):
        SyncJob.objects.update(state="held", reason="not_confirmed")
    change = {
        "org": lambda: hold.hold_org(bens_connection.org.org_id, Reason.SALESFORCE_DOWN),
        "connection": lambda: hold.hold_connection(bens_connection, Reason.CONNECTION_LOST),
        "workspace": lambda: hold.hold_workspace(acme, Reason.NO_SYNC_USER),
        "release": lambda: hold.release_held(acme),
        "cause": lambda: causes.retry_cause(acme, "not_confirmed", ben),
        "leaving": lambda: hold.skip_member(ben_member),
    }[by]
    first, second = batch
    with transaction.atomic():
        set_aside(second)
        other = Elsewhere(change)
        other.join(PATIENCE)
        assert not other.is_alive()
        if by != "leaving":
            put_off(first)

    assert other.error is None
    assert states()[1] == ("skipped", "no_match")


def test_a_click_comes_before_or_after_a_workers_result(
    batch: list[Claimed], bens_connection: Connection, ben: User
) -> None:
    """The click is first in the queue for the job, the worker second."""
    claimed = batch[0]
    job = SyncJob.objects.get(pk=claimed.job_id)
    with transaction.atomic():
        SyncJob.objects.select_for_update().get(pk=job.pk)
        clicks = Elsewhere(lambda: repair.withdraw(job, ben))
        wait_until_blocked(1)
        works = Elsewhere(lambda: set_aside(claimed))
        wait_until_blocked(2)
    for each in (clicks, works):
        each.join(PATIENCE)
        assert not each.is_alive()

    assert works.error is None
    assert isinstance(clicks.error, repair.RepairError)
    assert states()[0] == ("skipped", "no_match")


def test_what_somebody_retries_meanwhile_is_not_forgotten(acme: Workspace, ben_member: Membership) -> None:
    retried = make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED)
    make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED)
    with transaction.atomic():
        SyncJob.objects.filter(pk=retried.pk).update(state=SyncState.WAITING, reason="")
        other = Elsewhere(lambda: forget_workspace(acme, NOON + timedelta(days=30)))
        wait_until_blocked(1)
    other.join(PATIENCE)

    assert other.error is None
    assert list(SyncJob.objects.values_list("pk", "state")) == [(retried.pk, SyncState.WAITING)]
