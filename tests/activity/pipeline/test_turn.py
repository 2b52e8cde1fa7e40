"""Whose turn it is to send, and the hole that no lock closes."""

import uuid
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from activity.models import LoggedRecord, SyncAttempt, SyncJob
from activity.pipeline import turn
from activity.pipeline.doubles import remove_doubles
from activity.pipeline.log_to_salesforce import clock_is_right
from integrations.connections import disconnect
from integrations.models import Connection, Intent
from tests.activity.conftest import Clock
from tests.activity.stories import connect, log, report, sent, states
from tests.integrations.journeys import BEN
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, Workspace

ORG = "00D000000000001AAA"


def take(connection: Connection, clock: Clock, holder: uuid.UUID, org: str = ORG) -> bool:
    return turn.take(connection.pk, org, holder, clock.now, clock.now + timedelta(seconds=100))


def test_one_worker_for_a_connection(bens_connection: Connection, clock: Clock) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()

    assert take(bens_connection, clock, mine)
    assert take(bens_connection, clock, mine)  # renewed
    assert not take(bens_connection, clock, theirs)
    turn.give_back(bens_connection.pk, theirs)
    assert turn.is_taken(bens_connection.pk, clock.now)
    clock.advance(seconds=101)
    assert not turn.is_taken(bens_connection.pk, clock.now)
    assert take(bens_connection, clock, theirs)
    assert not take(bens_connection, clock, mine)
    turn.give_back(bens_connection.pk, theirs)

    assert take(bens_connection, clock, mine)


def test_five_workers_for_an_org(bens_connection: Connection, clock: Clock) -> None:
    others = [copy_of(bens_connection) for _ in range(6)]

    taken = [take(each, clock, uuid.uuid4()) for each in others]

    assert taken == [True] * 5 + [False]
    assert take(others[5], clock, uuid.uuid4(), org="00D000000000002AAA")


def copy_of(connection: Connection) -> Connection:
    """Another connection in the database, ended so that it collides with nothing."""
    other = Connection.objects.get(pk=connection.pk)
    other.pk, other.uuid = None, uuid.uuid4()
    other.state, other.disconnected_at = "disconnected", other.connected_at
    other.access_token_sealed = other.refresh_token_sealed = ""
    other.save()
    return other


@pytest.mark.parametrize("is_reconnected", [False, True])
def test_a_frozen_worker_that_wrote_a_second_one(
    salesforce: TestedStandIn,
    bens_connection: Connection,
    acme: Workspace,
    ben_member: Membership,
    clock: Clock,
    is_reconnected: bool,
) -> None:
    """It was frozen for hours."""
    report(acme, sent(1), sent(2))
    log(bens_connection)
    clock.advance(hours=8)
    job = SyncJob.objects.order_by("pk").first()
    SyncAttempt.objects.create(
        workspace=acme,
        job_id=job.pk,
        number=2,
        operation="create",
        connection_id=bens_connection.pk,
        salesforce_user_id=bens_connection.salesforce_user.user_id,
    )
    ben = salesforce.org.user("ben@touchline.example")["Id"]
    clock.advance(seconds=30)
    fields = {"Subject": "double", "CallObject": f"touchline:{job.key}"}
    double = salesforce.org.create(ben, salesforce.org.view(ben, "Task"), fields)
    if is_reconnected:
        disconnect(bens_connection, ben_member.user)
        connect(salesforce, ben_member, BEN, Intent.MEMBER)

    assert remove_doubles() == 1
    assert {row["Id"] for row in salesforce.org.rows("Task")} == set(
        LoggedRecord.objects.values_list("salesforce_id", flat=True)
    )
    assert double not in {row["Id"] for row in salesforce.org.rows("Task")}
    assert states() == [("synced", "")] * 2
    assert remove_doubles() == 0


@pytest.mark.parametrize(("tolerance", "expected"), [(0, True), (60, False), (7200, True)])
def test_a_machine_whose_clock_is_off(
    db: None, clock: Clock, settings: Settings, tolerance: float, expected: bool
) -> None:
    settings.SYNC_CLOCK_TOLERANCE = tolerance
    clock.advance(hours=1)

    assert clock_is_right() is expected
