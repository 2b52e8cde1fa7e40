"""One Event for the life of a meeting, whatever people press."""

from datetime import timedelta

from activity import repair
from activity.models import Kind, SyncJob
from integrations.models import Connection
from tests.activity.stories import NOON, log, meeting, report, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import User, Workspace


def test_a_withdrawn_meeting_is_retried_after_it_was_canceled(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, ben: User
) -> None:
    report(acme, meeting())
    repair.withdraw(SyncJob.objects.get(), ben)
    report(acme, meeting(Kind.MEETING_CANCELED, at=NOON + timedelta(minutes=5)))
    log(bens_connection)
    repair.retry(SyncJob.objects.earliest("pk"), ben)
    log(bens_connection)

    assert salesforce.org.rows("Event") == []
    assert states() == [("skipped", "superseded")] * 2
