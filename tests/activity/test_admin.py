"""What support staff see of activities, and what they do not."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from activity.admin import LargeAdmin
from activity.exclusions import add_for_role, add_personal
from activity.models import ExclusionKind, LoggedRecord, MemberSettings, Reason, SyncAttempt, SyncJob, SyncState
from activity.settings import save_settings
from tests.activity.rows import GRACE, make_attempt, make_job
from tests.people import log_in, make_person

OURS = [model for model in admin.site._registry if model._meta.app_label == "activity"]
SECRETS = ("Secret subject", "Secret words", "Secret answer", "Secret detail", "doctor.example")


@pytest.fixture
def sam(settings, db):
    """Support staff."""
    settings.REQUIRE_STAFF_MFA = False
    user = make_person("Sam", "support.example")
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def filled(ada_member, ben_member):
    """One row in every table that staff see, full of what they must not see."""
    job = make_job(
        ben_member, SyncState.FAILED, reason=Reason.REJECTED, subject="Secret subject", reason_detail="Secret detail"
    )
    make_attempt(job, payload='{"Description":"Secret words"}', answer='{"message":"Secret answer"}')
    LoggedRecord.objects.create(
        workspace=ben_member.workspace,
        org_id="00D000000000001AAA",
        object_type="Task",
        salesforce_id="00T000000000001AAA",
        key="k" * 26,
        owner=ben_member,
        salesforce_user_id="005000000000001AAA",
    )
    save_settings(ben_member.role, {"log_opened": True}, ada_member.user)
    MemberSettings.objects.create(membership=ben_member)
    add_personal(ben_member, ExclusionKind.DOMAIN, "doctor.example")
    add_for_role(ben_member.role, ExclusionKind.DOMAIN, "competitor.example", ada_member.user)
    return job


def list_of(model) -> str:
    return reverse(f"admin:activity_{model._meta.model_name}_changelist")


def page_of(row) -> str:
    return reverse(f"admin:activity_{row._meta.model_name}_change", args=[row.pk])


def test_these_tables_are_there_and_no_others():
    assert {model.__name__ for model in OURS} == {
        "Activity",
        "DueJob",
        "ErrorGroup",
        "Exclusion",
        "LoggedRecord",
        "LoggingSettings",
        "LoggingSettingsVersion",
        "MemberSettings",
        "SyncAttempt",
        "SyncJob",
    }


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_lists_and_pages_show_no_content_and_can_be_searched(sam, filled, model):
    browser = log_in(sam)
    pages = [browser.get(list_of(model)), browser.get(list_of(model), {"q": str(filled.uuid)})]
    pages += [browser.get(list_of(model), {"q": "ben@acme.example"}), browser.get(list_of(model), {"q": "1"})]
    pages += [browser.get(page_of(row)) for row in model.objects.exclude(**personal(model))]

    assert {page.status_code for page in pages} == {200}
    text = "".join(page.content.decode() for page in pages)
    assert [secret for secret in SECRETS if secret in text] == []


def personal(model) -> dict:
    return {"membership__isnull": False} if model.__name__ == "Exclusion" else {"pk": None}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_nothing_can_be_added_changed_or_deleted(sam, filled, model):
    browser = log_in(sam)

    assert browser.get(list_of(model).rstrip("/") + "/add/").status_code == 403
    for row in model.objects.exclude(**personal(model)):
        assert browser.post(page_of(row), {}).status_code == 403
        assert browser.post(page_of(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403


def test_members_and_admins_stay_out(ada, filled):
    assert log_in(ada).get(list_of(type(filled))).status_code == 302


def test_rows_are_found_by_uuid_and_address(sam, filled):
    browser = log_in(sam)

    terms = (str(filled.uuid), str(filled.pk), filled.key, GRACE.upper(), "ben@acme", "Ben@Acme.example ", "acme")
    for term in terms:
        assert list(browser.get(list_of(type(filled)), {"q": term}).context["cl"].result_list) == [filled], term
    for term in ("ada@acme.example", "grace", "globex", str(filled.pk + 1), "9" * 19):
        assert list(browser.get(list_of(type(filled)), {"q": term}).context["cl"].result_list) == [], term


@pytest.mark.parametrize("attribute", ["self", "activity"])
def test_whom_a_private_one_is_with_is_neither_shown_nor_found(sam, ben_member, attribute):
    ids = {"person_id": "003000000000001AAA", "related_id": "006000000000001AAA"}
    job = make_job(ben_member, private=True, **ids)
    job.activity.recipient = GRACE
    job.activity.save()
    row = job if attribute == "self" else job.activity
    browser = log_in(sam)

    page = browser.get(page_of(row)).content.decode()
    assert [each for each in (GRACE, *ids.values()) if each in page] == []
    assert "kept private" in browser.get(list_of(type(row))).content.decode()
    assert list(browser.get(list_of(type(row)), {"q": GRACE}).context["cl"].result_list) == []
    assert list(browser.get(list_of(type(row)), {"q": str(row.uuid)}).context["cl"].result_list) == [row]
    assert ids["person_id"] in browser.get(page_of(make_job(ben_member, **ids))).content.decode()


@pytest.mark.parametrize("attribute", ["self", "activity"])
@pytest.mark.parametrize(
    "lookup", ["recipient", "recipient__startswith", "recipient__regex", "person_id", "message__subject", "subject"]
)
def test_whom_a_private_one_is_with_cannot_be_guessed_by_a_filter(sam, ben_member, attribute, lookup):
    job = make_job(ben_member, private=True)
    job.activity.recipient = GRACE
    job.activity.save()
    row = job if attribute == "self" else job.activity

    answer = log_in(sam).get(list_of(type(row)), {lookup: GRACE})

    assert (answer.status_code, answer.get("Location")) in {(400, None), (302, f"{list_of(type(row))}?e=1")}
    offered = log_in(sam).get(list_of(type(row)), {"kind__exact": "sent"})
    assert list(offered.context["cl"].result_list) == [row]


def test_tries_are_found_from_their_row_and_lead_back(sam, filled, ada_member):
    attempt = SyncAttempt.objects.get(job_id=filled.pk)
    other = make_attempt(make_job(ada_member), request_id="TID:2")
    browser = log_in(sam)

    assert f'<a href="{list_of(SyncAttempt)}?q={filled.pk}">' in browser.get(page_of(filled)).content.decode()
    for term, row in ((str(filled.pk), attempt), ("TID:2", other)):
        found = browser.get(list_of(SyncAttempt), {"q": term})
        assert list(found.context["cl"].result_list) == [row]
    assert f'<a href="{page_of(filled)}">{filled.pk}</a>' in browser.get(page_of(attempt)).content.decode()


def test_a_row_is_called_by_its_number(sam, filled):
    page = log_in(sam).get(page_of(filled))

    assert page.context["subtitle"] == f"Sync job {filled.pk}"
    assert str(filled) == f"Sync job {filled.pk}"
    assert "SyncJob object" not in page.content.decode()
    assert "Activity object" not in page.content.decode()


LARGE = [each for each in OURS if isinstance(admin.site.get_model_admin(each), LargeAdmin)]


@pytest.mark.parametrize("model", LARGE, ids=lambda model: model.__name__)
def test_large_tables_are_not_sorted_and_searched_without_joins(sam, filled, model):
    browser = log_in(sam)
    with CaptureQueriesContext(connection) as queries:
        text = browser.get(list_of(model), {"q": "nobody"}).content.decode()

    assert 'class="sortable' not in text
    counted = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
    assert [sql for sql in counted if "JOIN" in sql] == []


def test_the_large_tables_are_these():
    assert {model.__name__ for model in LARGE} == {"Activity", "DueJob", "LoggedRecord", "SyncAttempt", "SyncJob"}


def test_a_personal_list_has_no_page(sam, filled, ben_member):
    entry = ben_member.never_log.get()

    assert log_in(sam).get(page_of(entry)).status_code == 302  # to the index: it does not exist there


@pytest.mark.parametrize("rows", [1, 3])
def test_lists_take_as_many_queries_for_one_row_as_for_many(sam, ben_member, django_assert_num_queries, rows):
    for _ in range(rows):
        last = make_job(ben_member)
    browser = log_in(sam)
    browser.get(list_of(type(last)))

    with django_assert_num_queries(4):
        browser.get(list_of(type(last)))


def test_how_many_were_found_is_said_of_a_search_and_a_filter_alone(sam, filled):
    browser = log_in(sam)

    pages = [
        browser.get(list_of(SyncJob), query).content.decode()
        for query in ({}, {"q": "acme"}, {"kind__exact": "sent"})
    ]

    assert ["Show all" in page for page in pages] == [False, True, True]
