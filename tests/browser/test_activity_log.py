"""The pages of activities in a real browser: they go on by themselves, leave readers in peace, and are accessible."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from activity.models import Kind, Reason, SyncJob, SyncState
from activity.own_settings import own_settings_of
from activity.saved_searches import save_search
from activity.settings import save_settings
from tests.activity.rows import make_attempt, make_job
from tests.browser.steps import violations
from tests.people import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Playwright keeps an event loop in this thread; the database is used between its calls, never from the loop.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

DESK, PHONE = {"width": 1280, "height": 700}, {"width": 390, "height": 844}
LOG = "/w/acme/activity-log/"


@pytest.fixture
def open_page(chromium: Browser, live_server) -> Iterator[Callable[..., Page]]:
    """Opens a browser for a person; the test fails on any complaint in the console (CSP included)."""
    complaints: list[str] = []
    contexts = []

    def open_browser(user, **options) -> Page:
        context = chromium.new_context(
            **{"base_url": live_server.url, "viewport": DESK, "reduced_motion": "reduce"} | options
        )
        contexts.append(context)
        cookie = log_in(user).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert complaints == []


def add_row(member, subject: str) -> SyncJob:
    """A row made now."""
    now = timezone.now()
    return make_job(member, subject=subject, created_at=now, changed_at=now)


def sync(job: SyncJob) -> None:
    """The row reaches Salesforce now."""
    job.state, job.salesforce_id, job.changed_at = SyncState.SYNCED, "00T000000000001AAA", timezone.now()
    job.save()


def rows(page: Page):
    """The rows of the list."""
    return page.locator("#log tbody tr")


def test_rows_and_states_appear_without_reload(open_page, ben, ben_member):
    add_row(ben_member, "The first")
    page = open_page(ben)
    page.goto(LOG)
    expect(rows(page)).to_have_count(1)

    job = add_row(ben_member, "The second")
    expect(rows(page).first).to_contain_text("The second")
    expect(rows(page).first).to_contain_text("Not Synced")
    sync(job)
    expect(rows(page).first.locator(".badge")).to_have_text("Synced")
    expect(page.locator(".stat").nth(2)).to_contain_text("1")


def test_an_empty_log_fills_itself(open_page, ben, ben_member):
    page = open_page(ben)
    page.goto(LOG)
    expect(page.get_by_text("Nothing here yet")).to_be_visible()

    add_row(ben_member, "The first")
    expect(rows(page)).to_have_count(1)


def test_somebody_who_has_scrolled_is_told_and_nothing_moves(open_page, ben, ben_member):
    jobs = [make_job(ben_member, subject=f"Row {n}") for n in range(50)]
    page = open_page(ben)
    page.goto(LOG)
    page.mouse.wheel(0, 900)
    # Not the newest: with one more row it would be pushed to the next page.
    shown = page.locator(f"#row-{jobs[20].uuid}")
    before = shown.bounding_box()

    add_row(ben_member, "News")
    sync(jobs[20])

    button = page.get_by_role("button", name="1 new activity")
    expect(button).to_be_visible()
    expect(shown.locator(".badge")).to_have_text("Synced")
    assert shown.bounding_box()["y"] == before["y"]
    button.click()
    expect(rows(page).first).to_contain_text("News")
    expect(rows(page).first).to_be_in_viewport()
    expect(button).to_be_hidden()


def test_what_is_typed_into_a_filter_stays_and_finds(open_page, ben, ben_member):
    make_job(ben_member, recipient="alan@bletchley.example")
    make_job(ben_member)
    page = open_page(ben)
    page.goto(LOG)

    search = page.get_by_role("searchbox", name="Recipient")
    search.press_sequentially("bletch", delay=20)
    expect(rows(page)).to_have_count(1)
    expect(search).to_be_focused()
    expect(search).to_have_value("bletch")
    assert page.url.endswith("?recipient=bletch")
    assert page.locator("#log-export").get_attribute("href").endswith("?recipient=bletch")
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(search).to_have_value("bletch")


def test_keys_walk_the_rows_and_open_one(open_page, ben, ben_member):
    first = make_job(ben_member)
    make_job(ben_member, created_at=first.created_at + timedelta(minutes=1))
    page = open_page(ben)
    page.goto(LOG)

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{first.uuid}/")


def test_the_open_drill_down_follows_its_row(open_page, ben, ben_member):
    job = make_job(ben_member)
    page = open_page(ben)
    page.goto(f"{LOG}{job.uuid}/")
    expect(page.get_by_text("Waiting to be sent to Salesforce.")).to_be_visible()

    sync(job)
    expect(page.get_by_text("Logged in Salesforce.")).to_be_visible()


def test_dont_log_this_asks_first(open_page, ben, ben_member):
    job = make_job(ben_member, SyncState.HELD, reason=Reason.PLAN)
    page = open_page(ben)
    page.goto(f"{LOG}{job.uuid}/")

    page.get_by_role("button", name="Don’t log this").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Don’t log this").click()
    page.get_by_role("dialog").get_by_role("button", name="Don’t log this").click()
    expect(page.get_by_text("It will not be logged.")).to_be_visible()
    expect(page.get_by_role("heading", name="Ben chose “Don’t log this”.")).to_be_visible()


def test_sync_all_leads_to_the_mailbox_and_can_be_switched_off_again(open_page, ben, ben_member):
    page = open_page(ben)
    page.goto("/w/acme/settings/crm-and-live-feed/")

    page.get_by_role("switch", name="Sync all messages").click()
    expect(page.get_by_role("heading", name="Connect mailbox")).to_be_visible()
    assert own_settings_of(ben_member).sync_all_messages is True

    page.goto("/w/acme/settings/crm-and-live-feed/")
    page.get_by_role("switch", name="Sync all messages").uncheck()
    expect(page.get_by_text("Off from now on.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert own_settings_of(ben_member).sync_all_messages is False


def test_a_subject_template_shows_at_once_what_it_makes(open_page, ada, ada_member):
    page = open_page(ada)
    page.goto(f"/w/acme/admin/roles/{ada_member.role.uuid}/")

    page.locator("#id_template_opened").fill("{recipient} opened {subject}")
    expect(page.locator("#preview-opened")).to_have_text("grace@example.com opened Pricing for 40 seats")


def test_the_feed_goes_on_by_itself(open_page, ben, ben_member):
    page = open_page(ben)
    page.goto("/w/acme/live-feed/")

    add_row(ben_member, "A new thing")
    expect(page.locator(".feed-item")).to_contain_text("A new thing")


def test_who_walks_the_feed_by_keys_is_told_and_nothing_moves(open_page, ben, ben_member):
    add_row(ben_member, "The first")
    page = open_page(ben)
    page.goto("/w/acme/live-feed/")
    page.keyboard.press("j")
    before = page.locator(".feed-item").bounding_box()

    add_row(ben_member, "News")

    button = page.get_by_role("button", name="1 new activity")
    expect(button).to_be_visible()
    expect(page.get_by_role("link", name="The first")).to_be_focused()
    assert page.locator(".feed-item").bounding_box() == before
    button.click()
    expect(page.locator(".feed-item")).to_have_count(2)
    expect(page.locator(".feed-item").first).to_contain_text("News")


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_search_is_kept_opened_edited_and_deleted_by_keys_alone(open_page, ben, ben_member, viewport):
    add_row(ben_member, "Sent")
    make_job(ben_member, kind=Kind.OPENED, subject="Opened", created_at=timezone.now())
    page = open_page(ben, viewport=viewport)
    page.goto("/w/acme/live-feed/")
    saved = page.get_by_role("navigation", name="Saved searches").get_by_role("link")

    page.keyboard.press("/")
    page.keyboard.type("is:opened")
    expect(page.locator(".feed-item")).to_have_count(1)
    page.get_by_role("button", name="Save this search").press("Enter")
    page.keyboard.type("Opens")
    page.keyboard.press("Enter")
    expect(saved).to_have_text("Opens")
    expect(saved).to_be_focused()
    expect(saved).to_have_attribute("aria-current", "page")

    page.goto("/w/acme/live-feed/")
    saved.press("Enter")
    expect(page.get_by_label("Search the feed")).to_have_value("is:opened")
    expect(page.locator(".feed-item")).to_have_count(1)

    page.get_by_role("button", name="Edit").press("Enter")
    page.get_by_label("Name").fill("What was opened")
    page.keyboard.press("Enter")
    expect(saved).to_have_text("What was opened")

    page.get_by_role("button", name="Edit").press("Enter")
    assert (violations(page), page.evaluate("document.documentElement.scrollWidth > innerWidth")) == ([], False)
    page.get_by_role("button", name="Delete").press("Enter")
    expect(saved).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(saved).to_have_text("What was opened")


@pytest.mark.parametrize(("viewport", "theme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_every_page_is_accessible_and_fits(open_page, ada, ada_member, viewport, theme):
    long = "procurement+emea@a-very-long-company-name-without-any-hyphenation.example"
    refused = make_job(ada_member, SyncState.FAILED, reason=Reason.REJECTED, error_code="FIELD_INTEGRITY_EXCEPTION")
    make_attempt(refused, answer='{"errors":[{"message":"No"}]}')
    made = [
        make_job(ada_member, SyncState.SKIPPED, reason=Reason.NO_MATCH, recipient=long),
        make_job(ada_member, SyncState.HELD, reason=Reason.PLAN, kind=Kind.OPENED),
        make_job(ada_member, SyncState.SYNCED, kind=Kind.MEETING_CONFIRMED),
        make_job(ada_member, private=True),
    ]
    save_search(ada_member, "Opens of this week", "is:opened")
    save_settings(ada_member.role, {"log_opened": True, "members_manage_own": True}, ada_member.user)
    page = open_page(ada, viewport=viewport, color_scheme=theme)
    for path in (
        "activity-log/",
        "activity-log/?whose=everyone",
        "activity-log/?activity=clicked",
        f"activity-log/{refused.uuid}/",
        f"activity-log/{made[0].uuid}/",
        f"activity-log/{made[2].uuid}/",
        "settings/crm-and-live-feed/",
        "live-feed/",
        "live-feed/?q=is:nonsense form:me",
        "live-feed/?q=is:opened",
        "unresolved/",
        "admin/sync-health/",
        f"admin/roles/{ada_member.role.uuid}/",
        "admin/roles/confirm/",
    ):
        page.goto(f"/w/acme/{path}")
        found = [(rule["id"], rule["nodes"][0]["html"]) for rule in Axe().run(page).response["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert (path, found, wide) == (path, [], False)
