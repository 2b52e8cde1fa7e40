"""A worker that lost too much of its lease does not send: another one may think it dead."""

import time
from collections.abc import Callable
from typing import Any

from django.db import connection as database
from pytest_django.fixtures import Settings

from activity.models import DueJob, SyncAttempt
from integrations.models import Connection
from tests.activity.stories import log, report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace

LEASE = 0.8


def test_a_database_that_stalls_over_the_attempt_costs_a_claim_and_no_record(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, settings: Settings
) -> None:
    report(acme, sent(1))
    log(bens_connection)
    settings.SYNC_LEASE = LEASE
    settings.SYNC_DRAIN_LIMIT = 0.1
    report(acme, sent(2))

    with database.execute_wrapper(stall_at_attempts):
        log(bens_connection)

    assert len(salesforce.org.rows("Task")) == 1
    assert states() == [("synced", ""), ("waiting", "")]
    assert list(SyncAttempt.objects.order_by("pk").values_list("outcome", flat=True)) == ["synced", "retry"]
    assert list(DueJob.objects.values_list("leased", "sent_at")) == [(False, None)]


def stall_at_attempts(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
    """The statement that writes the attempts down takes more than half a lease."""
    result = execute(sql, *arguments)
    if "INSERT INTO activity_syncattempt" in sql:
        time.sleep(LEASE * 0.6)
    return result
