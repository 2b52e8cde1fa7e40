"""People who appear in Salesforce later."""

from datetime import UTC, datetime

from activity.models import KnownPerson, SyncJob
from activity.pipeline.captured import Person
from activity.pipeline.late import match_late
from activity.tasks import match_late as match_late_task
from integrations.models import ApiUsage, Connection
from integrations.salesforce.people import Person as Found
from integrations.signals import records_changed
from tests.activity.conftest import Clock
from tests.activity.stories import NORA, log, report, sent, states
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Workspace

STRANGER = "stranger@elsewhere.example"
NOBODY, SYNCED = ("skipped", "no_match"), ("synced", "")


def found(**changes: object) -> Found:
    """What the delta brings of a contact."""
    values = {
        "kind": "Contact",
        "id": "003000000000001AAA",
        "email": STRANGER,
        "name": "Stranger",
        "account_id": None,
        "account_name": "",
        "owner_id": "005000000000001AAA",
        "is_converted": False,
        "converted_contact_id": None,
        "converted_account_id": None,
        "converted_opportunity_id": None,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "modified_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Found(**(values | changes))


def test_asked_again_after_an_hour(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1, to=(Person(STRANGER),)), sent(2, to=(Person(STRANGER),)))
    log(bens_connection)
    assert states() == [NOBODY, NOBODY]
    salesforce.org.add("Contact", LastName="Stranger", Email=STRANGER)
    assert match_late(acme) == 0  # asked a moment ago
    clock.advance(minutes=61)
    before = salesforce.org.usage.used
    assert match_late_task() == 2
    log(bens_connection)

    assert states() == [SYNCED, SYNCED]
    assert salesforce.org.usage.used - before <= 3
    assert all("Dear" not in row["Description"] for row in salesforce.org.rows("Task"))


def test_not_beyond_the_budget(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(to=(Person(STRANGER),)))
    log(bens_connection)
    clock.advance(minutes=61)
    ApiUsage.objects.update(used=85, maximum=100, seen_at=clock.now)

    before = salesforce.org.usage.used
    assert match_late(acme) == 0
    assert salesforce.org.usage.used == before


def test_told_by_the_delta(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1, to=(Person(STRANGER),)), sent(2, to=(Person("other@elsewhere.example"),)))
    log(bens_connection)
    contact = salesforce.org.add("Contact", LastName="Stranger", Email=STRANGER)
    records_changed.send(type(bens_connection.org), org=bens_connection.org, people=[found(id=contact)])
    log(bens_connection)

    assert states() == [SYNCED, NOBODY]


def test_a_changed_person_is_forgotten_under_every_address(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, clock: Clock
) -> None:
    report(acme, sent(1))
    log(bens_connection)
    nora = SyncJob.objects.get().person_id
    new = "new@northwindtraders.example"
    salesforce.org.change(nora, Email=new)
    changed = [found(id=nora, email=new)]
    records_changed.send(type(bens_connection.org), org=bens_connection.org, people=changed)
    report(acme, sent(2))
    log(bens_connection)

    assert states() == [SYNCED, NOBODY]
    assert KnownPerson.objects.get(address=NORA).candidates == []


def test_another_workspace_is_left_alone(
    salesforce: TestedStandIn, bens_connection: Connection, acme: Workspace, globex: Workspace, cleo_member: object
) -> None:
    report(globex, sent(1, user="cleo@globex.example", to=(Person(STRANGER),)))
    SyncJob.objects.update(state="skipped", reason="no_match")
    records_changed.send(type(bens_connection.org), org=bens_connection.org, people=[found()])

    assert states() == [NOBODY]
