"""Sync health's page."""

import pytest

from activity.models import DueJob, Reason, SyncJob, SyncState
from tests.activity.rows import make_job
from tests.activity.stories import log, report, sent
from tests.people import log_in

HEALTH = "/w/acme/admin/sync-health/"


def test_it_works(ada, ada_member, ben_member):
    make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED, error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION")
    make_job(ada_member, SyncState.HELD, reason=Reason.NO_SYNC_USER)

    response = log_in(ada).get(HEALTH)
    content = response.content.decode()

    assert (response.context["error_rows"], response.context["held_rows"]) == (1, 1)
    assert "A validation rule of your Salesforce org refused the record" in content
    assert "Setup › Object Manager" in content
    assert "Test on one" in content
    assert "Replay all" in content
    assert "?whose=everyone&amp;reason=rejected&amp;status=errors" in content
    assert "1 activity</a> of 1 person" in content
    assert "Open workspace integrations" in content


def test_a_healthy_workspace_says_so(ada, ben_member):
    make_job(ben_member)

    assert b"Nothing stands still" in log_in(ada).get(HEALTH).content


def test_every_reason_that_can_stop_a_row_has_its_place(ada, ben_member):
    for reason in Reason:
        make_job(ben_member, SyncState.FAILED, reason=reason)

    assert log_in(ada).get(HEALTH).context["error_rows"] == len(Reason)


def test_htmx_gets_the_list_alone(ada, acme):
    response = log_in(ada).get(HEALTH, headers={"HX-Request": "true"})

    assert response.templates[0].name == "activity/_sync_health.html"


def test_only_admins_of_the_workspace_come_in(ben, cleo):
    assert log_in(ben).get(HEALTH).status_code == 403
    assert log_in(cleo).get(HEALTH).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_do_not_grow_with_causes(ada, ben_member, django_assert_num_queries, rows):
    for number in range(rows):
        make_job(ben_member, SyncState.FAILED, reason=Reason.REJECTED, error_code=f"CODE_{number}")
    browser = log_in(ada)
    browser.get(HEALTH)

    # session, person, membership, causes, samples, workspaces, the number of the unresolved
    with django_assert_num_queries(7):
        browser.get(HEALTH)


ACTIONS = ("test", "replay")
CAUSE = {"reason_name": "rejected", "code": "SOME_RULE"}


@pytest.mark.parametrize("action", ACTIONS)
def test_the_buttons_are_for_admins_and_posts(ada, ben, cleo, acme, action):
    assert log_in(ben).post(f"{HEALTH}{action}/", CAUSE).status_code == 403
    assert log_in(cleo).post(f"{HEALTH}{action}/", CAUSE).status_code == 404
    assert log_in(ada).get(f"{HEALTH}{action}/").status_code == 405


@pytest.mark.parametrize(
    ("action", "words"),
    [("test", "Nothing stands still for this cause any more."), ("replay", "None of them can be sent yet")],
)
@pytest.mark.parametrize("data", [CAUSE, {}, {"reason_name": "nonsense"}])
def test_a_cause_that_is_gone_or_nonsense_is_said(ada, acme, action, words, data):
    assert words in log_in(ada).post(f"{HEALTH}{action}/", data, follow=True).content.decode()


def test_a_cause_is_tested_on_one_and_replayed_for_all(acme, ada, bens_connection):
    report(acme, sent(1), sent(2), sent(3))
    SyncJob.objects.update(state=SyncState.FAILED, reason=Reason.REJECTED, error_code="SOME_RULE")
    DueJob.objects.all().delete()
    browser = log_in(ada)

    page = browser.post(f"{HEALTH}test/", CAUSE, follow=True)
    assert "One activity of Ben is tried now." in page.content.decode()
    log(bens_connection)
    assert page.context["error_rows"] == 2

    page = browser.post(f"{HEALTH}replay/", CAUSE, follow=True)
    assert "2 activities are tried again now." in page.content.decode()
    log(bens_connection)
    assert set(SyncJob.objects.values_list("state", flat=True)) == {"synced"}
    assert b"Nothing stands still" in browser.get(HEALTH).content
