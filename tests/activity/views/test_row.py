"""The drill-down's page."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from activity.models import Reason, SyncState
from tests.activity.rows import GRACE, NOON, make_attempt, make_job, make_org
from tests.people import log_in
from workspaces.models import AuditEntry

LOG = "/w/acme/activity-log/"
RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
REFUSED = f'{{"success":false,"errors":[{{"statusCode":"{RULE}","message":"Close <b>the</b> deal","fields":[]}}]}}'


def page_of(job, part="") -> str:
    return f"{LOG}{job.uuid}/{part}"


@pytest.fixture
def refused(ben_member):
    """Ben's row that Salesforce refused."""
    job = make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED, error_code=RULE)
    make_attempt(job, payload='{"Subject":"Pricing","Description":"Dear Grace"}', answer=REFUSED, error_code=RULE)
    return job


def test_it_works(ben, refused):
    content = log_in(ben).get(page_of(refused)).content.decode()

    assert "A validation rule of your Salesforce org refused the record" in content
    assert "Close &lt;b&gt;the&lt;/b&gt; deal" in content
    assert "Dear Grace" in content
    assert RULE in content
    assert "Retry" in content
    assert "style=" not in content


def test_who_was_erased_has_no_number(ben, ben_member):
    job = make_job(ben_member, SyncState.SYNCED, recipient="erased:17", subject="")

    content = log_in(ben).get(page_of(job)).content.decode()

    assert "erased:17" not in content
    assert '<dt>Recipient</dt><dd class="break">an erased person</dd>' in content
    assert "For an erased person, in this order:" in content


def test_a_long_subject_does_not_fill_the_browsers_tab(ben, ben_member):
    job = make_job(ben_member, subject="Sent (New): " + "very " * 40)

    content = log_in(ben).get(page_of(job)).content.decode()

    assert f"<title>{('Sent (New): ' + 'very ' * 40)[:59]}… · Touchline</title>" in content


def test_a_synced_row_leads_to_its_record(ben, ben_member):
    make_org(ben_member.workspace)
    job = make_job(ben_member, SyncState.SYNCED)

    content = log_in(ben).get(page_of(job)).content.decode()

    assert 'href="https://acme.my.salesforce.com/00T000000000001AAA"' in content
    assert "Delete in Salesforce" in content
    assert "Don’t log this" not in content


def test_others_get_the_404_of_a_row_that_does_not_exist(ada, ada_member, ben, ben_member, cleo, cleo_member):
    adas, private = make_job(ada_member), make_job(ben_member, private=True)

    assert log_in(ben).get(page_of(adas)).status_code == 404
    assert log_in(ada).get(page_of(private)).status_code == 404
    assert log_in(ada).get(page_of(make_job(cleo_member))).status_code == 404
    assert log_in(cleo).get(page_of(adas)).status_code == 404
    assert log_in(ada).get(f"{LOG}{uuid4()}/").status_code == 404
    for part in ("live/", "payload/"):
        assert log_in(ben).get(page_of(adas, part)).status_code in (404, 405)
        assert log_in(ben).post(page_of(adas, part)).status_code in (404, 405)
    assert log_in(ben).get(page_of(private)).status_code == 200


def test_an_admin_opens_a_colleagues_record_only_with_a_note_in_the_audit_log(ada, refused):
    browser = log_in(ada)
    closed = browser.get(page_of(refused))
    assert "Dear Grace" not in closed.content.decode()
    assert not AuditEntry.objects.filter(action="payload.viewed").exists()

    opened = browser.post(page_of(refused, "payload/"))

    assert "Dear Grace" in opened.content.decode()
    entry = AuditEntry.objects.get(action="payload.viewed")
    assert (entry.actor, entry.target, entry.details) == (ada, "Sent of Ben", {"row": str(refused.uuid)})


def test_ones_own_record_makes_no_note(ben, refused):
    log_in(ben).post(page_of(refused, "payload/"))

    assert not AuditEntry.objects.filter(action="payload.viewed").exists()


@pytest.mark.parametrize(
    ("reason", "who", "label"),
    [
        (Reason.NOT_VIA_TOUCHLINE, "ben", "Open CRM &amp; Live Feed"),
        (Reason.SWITCHED_OFF, "ada", "Open role settings"),
        (Reason.SWITCHED_OFF, "ben", None),
        (Reason.INTERNAL, "ada", None),
    ],
)
def test_the_page_where_it_is_put_right_is_linked_for_who_can_open_it(ada, ben, ben_member, reason, who, label):
    job = make_job(ben_member, SyncState.SKIPPED, reason=reason)

    button = log_in({"ada": ada, "ben": ben}[who]).get(page_of(job)).context["page_button"]
    assert (button["label"].replace("&", "&amp;") if button else None) == label


def test_other_rows_of_the_cause_are_counted(ada_member, ben, ben_member, refused):
    for owner, code in ((ben_member, RULE), (ben_member, RULE), (ben_member, "OTHER"), (ada_member, RULE)):
        make_job(owner, SyncState.FAILED, reason=Reason.REJECTED, error_code=code)

    response = log_in(ben).get(page_of(refused))

    assert response.context["same_cause"] == 2
    assert "Retry all with this cause (3)" in response.content.decode()


def test_the_open_page_follows_the_row(ben, ben_member):
    job = make_job(ben_member)
    browser = log_in(ben)
    live = browser.get(page_of(job)).context["live_url"]
    assert browser.get(live).status_code == 204

    job.state, job.salesforce_id, job.changed_at = SyncState.SYNCED, "00T000000000001AAA", timezone.now()
    job.save()
    changed = browser.get(live)
    assert (changed.status_code, changed.templates[0].name) == (200, "activity/_row.html")
    assert "Logged in Salesforce." in changed.content.decode()


def test_texts_of_any_script_are_escaped_and_whole(ben, ben_member):
    job = make_job(ben_member, subject="<script>x</script> عرض 🎉")

    content = log_in(ben).get(page_of(job)).content.decode()

    assert "&lt;script&gt;x&lt;/script&gt; عرض 🎉" in content
    assert GRACE in content


@pytest.mark.parametrize("attempts", [1, 3])
def test_queries_do_not_grow_with_attempts(ben, ben_member, django_assert_num_queries, attempts):
    make_org(ben_member.workspace)
    job = make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED)
    for number in range(attempts):
        make_attempt(job, number + 1, started_at=NOON + timedelta(seconds=number))
    browser = log_in(ben)
    browser.get(page_of(job))

    # session, person, membership, row, attempts, trace, due, org, audit log, version, exclusions, candidates,
    # same cause, workspaces, the number of the unresolved
    with django_assert_num_queries(15):
        browser.get(page_of(job))
