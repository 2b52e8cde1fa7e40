"""People change in Salesforce: what is remembered of them is forgotten, and what waited for them is logged."""

from django.utils import timezone

from activity.models import KnownPerson, Reason, SyncJob, SyncState
from activity.pipeline.captured import Person
from activity.pipeline.log_to_salesforce import drain
from activity.pipeline.match import find_known
from integrations.changes import read_all_changes, read_changes
from integrations.models import Connection, SalesforceOrg
from tests.activity.stories import report, sent
from tests.stand_in_fixtures import TestedStandIn

NEWCOMER = "new.customer@initech.example"


def read_again(org: SalesforceOrg) -> int:
    org.refresh_from_db()
    return read_changes(org)


def test_a_contact_that_appears_later_gets_the_mail_that_waited(
    salesforce: TestedStandIn, org: SalesforceOrg, bens_connection: Connection
) -> None:
    read_again(org)
    report(org.workspace, sent(to=(Person(NEWCOMER),)))
    drain(bens_connection.pk)
    assert SyncJob.objects.get().reason == Reason.NO_MATCH

    contact = salesforce.org.add("Contact", LastName="Customer", Email=NEWCOMER)
    assert read_again(org) > 0
    drain(bens_connection.pk)

    job = SyncJob.objects.get()
    assert (job.state, job.person_id) == (SyncState.SYNCED, contact)


def test_a_changed_address_is_forgotten(
    salesforce: TestedStandIn, org: SalesforceOrg, bens_connection: Connection
) -> None:
    read_again(org)
    report(org.workspace, sent())
    drain(bens_connection.pk)
    known = KnownPerson.objects.get()
    (contact,) = (row for row in salesforce.org.rows("Contact") if row["Email"] == known.address)

    salesforce.org.change(contact["Id"], Email="nora@elsewhere.example")
    assert read_again(org) > 0

    assert find_known(org.workspace, [known.address], timezone.now()) == {}


def test_an_org_that_nobody_uses_costs_no_call(salesforce: TestedStandIn, org: SalesforceOrg) -> None:
    Connection.objects.update(last_used_at=None)
    before = salesforce.org.usage.used

    assert read_all_changes() == 0
    assert salesforce.org.usage.used == before
