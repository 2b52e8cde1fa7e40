"""The look in a real browser: accessible in both themes and on a phone, keyboard, menus, dialogs, no refused code."""

import os

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import expect

from activity.exclusions import add_for_role, add_override
from activity.models import DecisionTrace, Exclusion, ExclusionKind, Reason, SyncState
from activity.settings import save_settings
from tests.activity.rows import make_attempt, make_job, make_org
from tests.browser.steps import assert_readable, violations
from tests.people import make_person
from workspaces.models import Membership

pytestmark = pytest.mark.browser

# Playwright keeps an event loop in this thread; the database is used between its calls, never from the loop.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
BEFORE_LOGIN = [
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/confirm-email/",
    "/nowhere/",
]
INSIDE = [
    "/account/email/",
    "/account/password/change/",
    "/account/2fa/",
    "/account/sessions/",
    "/account/reauthenticate/",
    "/workspaces/new/",
    "/w/acme/activity-log/",
    "/w/acme/live-feed/",
    "/w/acme/unresolved/",
    "/w/acme/settings/profile/",
    "/w/acme/settings/integrations/",
    "/w/acme/settings/integrations/mailbox/",
    "/w/acme/settings/integrations/mailbox/?address=ada%40acme.example",
    "/w/acme/settings/integrations/calendar/",
    "/w/acme/settings/integrations/calendar/?address=ada%40acme.example",
    "/w/acme/settings/integrations/calendar/?address=ada%40gmail.com",
    "/w/acme/settings/crm-and-live-feed/",
    "/w/acme/admin/general/",
    "/w/acme/admin/members/",
    "/w/acme/admin/roles/",
    "/w/acme/admin/integrations/",
    "/w/acme/admin/api-keys/",
    "/w/acme/admin/sync-health/",
    "/w/acme/admin/audit-log/",
]


REFUSED = '{"success":false,"errors":[{"statusCode":"X","message":"Close the deal first","fields":[]}]}'
TRACE = {
    "settings_version": 2,
    "candidates": [{"type": "Contact", "id": "003000000000001AAA", "name": "Grace Hopper"}],
    "match": {"person_type": "Contact", "person_name": "Grace Hopper", "match_rule": "only_one"},
    "related_rule": "",
    "fields": ["Subject", "WhoId"],
    "left_out": ["CallObject"],
}


@pytest.fixture
def filled_pages(ada_member: Membership) -> list[str]:
    """The editor of a role with something in each of its lists, and the pages of rows that ended differently."""
    role, ada = ada_member.role, ada_member.user
    save_settings(role, {"log_opened": True}, ada)
    add_for_role(role, ExclusionKind.DOMAIN, "rival.example", ada)
    add_override(role, "noreply", ada)
    make_org(ada_member.workspace)
    synced = make_job(ada_member, SyncState.SYNCED, person_name="Grace Hopper", person_id="003000000000001AAA")
    make_attempt(synced, outcome="synced", answer='{"id":"x","success":true,"errors":[]}')
    failed = make_job(ada_member, SyncState.FAILED, reason=Reason.REJECTED, reason_detail="Close the deal first")
    make_attempt(failed, answer=REFUSED, error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION", request_id="TID:1")
    for job in (synced, failed):
        DecisionTrace.objects.create(workspace=ada_member.workspace, job_id=job.pk, content=TRACE)
    skipped = make_job(ada_member, SyncState.SKIPPED, reason=Reason.EXCLUDED, reason_detail="domain hopper.example")
    private = make_job(ada_member, SyncState.SKIPPED, reason=Reason.KEPT_PRIVATE, private=True)
    rows = [f"/w/acme/activity-log/{job.uuid}/" for job in (synced, failed, skipped, private)]
    return [f"/w/acme/admin/roles/{role.uuid}/", *rows]


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_ours_is_accessible(open_page, settings, ada, filled_pages, viewport, theme):
    stranger = open_page(viewport=viewport, color_scheme=theme)
    for path in BEFORE_LOGIN:
        assert_readable(stranger, path)
    member = open_page(ada, viewport=viewport, color_scheme=theme)
    for path in [*INSIDE, *filled_pages]:
        assert_readable(member, path)
    settings.DEBUG = True
    assert_readable(stranger, "/styleguide/")


@pytest.mark.parametrize(("viewport", "theme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_every_page_of_support_is_accessible(open_page, settings, ada_member, filled_pages, viewport, theme):
    settings.REQUIRE_STAFF_MFA = False
    sam = make_person("Sam", "support.example")
    sam.is_staff = True
    sam.save()
    page = open_page(sam, viewport=viewport, color_scheme=theme)
    assert_readable(page, "/admin/")
    for model in admin.site._registry:
        of_model = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert_readable(page, reverse(f"{of_model}_changelist"))
        rows = model.objects.filter(membership=None) if model is Exclusion else model.objects.all()
        for row in rows.order_by("pk")[:1]:
            assert_readable(page, reverse(f"{of_model}_change", args=[row.pk]))


def test_the_search_for_violations_finds_one(open_page, db):
    page = open_page()
    page.goto("/account/login/")
    page.evaluate("document.querySelector('label').remove()")
    assert [rule for rule, _ in violations(page)] == ["label"]


def test_the_chosen_colours_stay(open_page, ada):
    page = open_page(ada, color_scheme="light")
    page.goto("/account/email/")
    page.get_by_label("Your menu").click()
    page.get_by_role("button", name="Dark").click()
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(17, 17, 19)"
    page.reload()
    assert page.evaluate(background) == "rgb(17, 17, 19)"
    page.get_by_label("Your menu").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="System").click()
    assert page.evaluate(background) == "rgb(249, 249, 251)"


def test_menus_close_by_escape_and_by_a_click_elsewhere(open_page, ada):
    page = open_page(ada)
    page.goto("/account/email/")
    item = page.get_by_role("button", name="Log out")
    page.get_by_label("Your menu").click()
    expect(item).to_be_visible()
    page.keyboard.press("Escape")
    expect(item).to_be_hidden()
    page.get_by_label("Your menu").click()
    page.get_by_role("heading", name="E-mail addresses").click()
    expect(item).to_be_hidden()


def test_the_phone_has_every_place_in_its_menus(open_page, ada):
    page = open_page(ada, viewport=PHONE)
    page.goto("/account/email/")
    page.get_by_label("Pages").first.click()
    places = page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()
    assert places == ["Live Feed", "Activity Log", "Unresolved", "Settings"]
    page.keyboard.press("Escape")
    page.locator("summary", has_text="E-mail addresses").click()
    page.get_by_role("navigation", name="Settings menu").get_by_role("link", name="Devices").click()
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()


def test_keys_search_walk_rows_and_help(open_page, settings, db):
    settings.DEBUG = True
    page = open_page()
    page.goto("/styleguide/")
    page.keyboard.press("/")
    expect(page.get_by_label("Search for a recipient")).to_be_focused()
    page.keyboard.type("j?")
    expect(page.get_by_label("Search for a recipient")).to_have_value("j?")
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    rows = page.locator(".row-link")
    for key, row in (("j", 0), ("j", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(rows.nth(row)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_hidden()


def test_dialogs_messages_and_copying(open_page, settings, db):
    settings.DEBUG = True
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/styleguide/")
    dialog = page.get_by_role("dialog", name="Disconnect Salesforce?")
    page.get_by_role("button", name="Disconnect Salesforce").last.click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_label("Close this message").first.click()
    expect(page.get_by_text("New activities follow the new settings.")).to_have_count(0)
    copy = page.locator("[data-copy=new-key]")
    copy.click()
    expect(copy).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "tl_example-not-a-real-key"


def test_filters_send_themselves_without_empty_fields(open_page, settings, db):
    settings.DEBUG = True
    page = open_page()
    page.goto("/styleguide/")
    page.get_by_label("Status", exact=True).select_option("Errors")
    page.wait_for_url("**/styleguide/?status=Errors")


def test_times_stay_true_while_the_page_is_open(open_page, settings, db):
    settings.DEBUG = True
    page = open_page()
    page.clock.install()
    page.goto("/styleguide/")
    moment = page.locator("td time").first
    expect(moment).to_have_text("4 minutes ago")
    page.clock.fast_forward("30:00")
    expect(moment).to_have_text("34 minutes ago")


def test_a_part_that_cannot_be_loaded_says_so_and_leaves_the_page_as_it_was(open_page, db):
    page = open_page()
    page.goto("/account/login/")
    page.evaluate("htmx.ajax('GET', '/nowhere/', {target: 'main'})")
    expect(page.locator("#toasts")).to_contain_text("That did not work. Please try again")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("Close this message").click()
    expect(page.locator("#toasts .alert")).to_have_count(0)
