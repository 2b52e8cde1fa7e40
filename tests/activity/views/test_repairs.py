"""The buttons of a row: who may press them, and that they do what they say."""

from uuid import uuid4

import pytest

from activity.models import DueJob, KnownPerson, Reason, SyncJob, SyncState
from tests.activity.rows import GRACE, NOON, make_job
from tests.activity.stories import NORA, log, report, sent
from tests.people import log_in
from workspaces.models import AuditEntry

LOG = "/w/acme/activity-log/"
ACTIONS = ("retry", "relink", "withdraw", "delete")
NOT_NOW = "This cannot be done in the state that the activity is in now."


def press(browser, job, action, **data):
    return browser.post(f"{LOG}{job.uuid}/{action}/", data, follow=True)


@pytest.fixture
def stuck(ben_member):
    """Ben's row that nobody was found for."""
    return make_job(ben_member, SyncState.SKIPPED, reason=Reason.NO_MATCH)


@pytest.mark.parametrize("action", ACTIONS)
def test_only_who_may_open_a_row_presses_its_buttons(client, ada, ada_member, ben, ben_member, cleo, action):
    adas = make_job(ada_member, SyncState.SKIPPED, reason=Reason.NO_MATCH)
    private = make_job(ben_member, SyncState.SKIPPED, reason=Reason.NO_MATCH, private=True)

    assert log_in(ben).post(f"{LOG}{adas.uuid}/{action}/").status_code == 404
    assert log_in(cleo).post(f"{LOG}{adas.uuid}/{action}/").status_code == 404
    assert log_in(ada).post(f"{LOG}{private.uuid}/{action}/").status_code == 404
    assert client.post(f"{LOG}{adas.uuid}/{action}/").status_code == 302
    assert log_in(ada).get(f"{LOG}{adas.uuid}/{action}/").status_code == 405
    assert set(SyncJob.objects.values_list("reason", flat=True)) == {Reason.NO_MATCH}


@pytest.mark.parametrize("action", ["retry", "withdraw"])
def test_a_button_that_the_row_does_not_have_does_nothing(ben, ben_member, action):
    job = make_job(ben_member, SyncState.SYNCED)

    assert NOT_NOW in press(log_in(ben), job, action).content.decode()
    job.refresh_from_db()
    assert job.state == SyncState.SYNCED


def test_dont_log_this(ben, stuck):
    page = press(log_in(ben), stuck, "withdraw")

    stuck.refresh_from_db()
    assert (stuck.state, stuck.reason, stuck.reason_detail) == (SyncState.SKIPPED, Reason.NOT_LOGGED_BY_PERSON, "Ben")
    assert "Ben chose “Don’t log this”." in page.content.decode()
    assert AuditEntry.objects.get(action="job.withdrawn").actor == ben


def test_why_it_cannot_be_retried_is_said(ben, stuck):
    page = press(log_in(ben), stuck, "retry")

    assert "This cannot be sent yet" in page.content.decode()
    assert not DueJob.objects.exists()


@pytest.mark.parametrize("data", [{}, {"person": "x"}, {"link": "https://acme.my.salesforce.com/006000000000001AAA"}])
def test_relinking_wants_a_contact_or_lead(ben, stuck, data):
    page = press(log_in(ben), stuck, "relink", **data)

    assert "Choose a person, or paste the link of a Contact or Lead in Salesforce." in page.content.decode()


@pytest.mark.parametrize(
    "data",
    [
        {"person": "003000000000001AAA"},
        {"link": "https://acme.lightning.force.com/lightning/r/Contact/003000000000001AAA/view"},
        {"link": "https://acme.my.salesforce.com/003000000000001AAA"},
    ],
)
def test_relinking_takes_a_candidate_or_the_address_of_its_page(acme, ben, stuck, data):
    people = [
        {"id": "003000000000001AAA", "kind": "Contact", "name": "Grace", "owner_id": "", "opportunities": []},
    ]
    KnownPerson.objects.create(workspace=acme, address=GRACE, candidates=people, fetched_at=NOON)

    page = press(log_in(ben), stuck, "relink", **data)

    assert "This cannot be sent yet" in page.content.decode()  # Ben is not connected here: repair.py was asked


@pytest.mark.parametrize("row", [None, "", "nonsense"])
def test_retry_all_without_a_row_leads_back_to_the_log(ben, acme, ben_member, row):
    assert log_in(ben).post(f"{LOG}retry-cause/", {"row": row} if row is not None else {}).url == LOG


def test_retry_all_is_for_rows_that_one_may_open(ada_member, ben, ben_member):
    browser = log_in(ben)

    assert browser.post(f"{LOG}retry-cause/", {"row": make_job(ada_member).uuid}).status_code == 404
    assert browser.post(f"{LOG}retry-cause/", {"row": uuid4()}).status_code == 404


def test_retry_all_says_when_the_cause_is_still_there(ben, ben_member):
    job = make_job(ben_member, SyncState.HELD, reason=Reason.NO_SYNC_USER)

    page = log_in(ben).post(f"{LOG}retry-cause/", {"row": job.uuid}, follow=True)
    assert "None of them can be sent yet" in page.content.decode()


def test_the_whole_way_with_salesforce(acme, ben, bens_connection):
    """Refuse two, put the cause right, retry both by one button; then delete one in Salesforce."""
    report(acme, sent(1), sent(2))
    SyncJob.objects.update(state=SyncState.FAILED, reason=Reason.REJECTED, error_code="SOME_RULE")
    DueJob.objects.all().delete()
    browser, job = log_in(ben), SyncJob.objects.order_by("pk")[0]

    page = browser.post(f"{LOG}retry-cause/", {"row": job.uuid}, follow=True)
    assert "2 activities are tried again now." in page.content.decode()
    log(bens_connection)
    assert list(SyncJob.objects.values_list("state", "recipient")) == [("synced", NORA)] * 2

    page = press(browser, job, "delete")
    assert "The Task is deleted in Salesforce." in page.content.decode()
    job.refresh_from_db()
    assert (job.state, job.reason, job.salesforce_id) == (SyncState.SKIPPED, Reason.REMOVED, "")
