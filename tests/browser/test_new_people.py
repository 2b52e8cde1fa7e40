"""From Unresolved into Salesforce by keyboard, past a duplicate rule; readable in both themes and on a phone."""

import os

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser, expect

from activity.models import SyncJob
from activity.pipeline.captured import Person
from activity.settings import confirm
from integrations.connections import connection_of
from integrations.models import Intent
from tests.activity.stories import connect, log, report, sent
from tests.browser.steps import violations
from tests.integrations.journeys import BEN, SYNC
from tests.people import log_in
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, User, Workspace

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Playwright keeps an event loop in this thread; the database is used between its calls, never from the loop.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

GRACE = "grace@hopper.example"
DESK, PHONE = {"width": 1280, "height": 700}, {"width": 390, "height": 844}


@pytest.fixture
def salesforce(stand_in: TestedStandIn, settings: LazySettings) -> TestedStandIn:
    """The stand-in, with somebody whom a duplicate rule takes for Grace."""
    settings.SALESFORCE_LOGIN_URL = stand_in.login_url
    settings.SALESFORCE_SANDBOX_LOGIN_URL = stand_in.sandbox_login_url
    settings.SALESFORCE_EXTRA_HOSTS = frozenset(stand_in.extra_hosts)
    settings.SALESFORCE_CA_BUNDLE = stand_in.ca_bundle
    stand_in.org.add("Lead", FirstName="Grace", LastName="Hopper", Company="Old Navy")
    stand_in.org.add_duplicate_rule("Lead", ["FirstName", "LastName"])
    return stand_in


@pytest.fixture
def waiting(salesforce: TestedStandIn, acme: Workspace, ada_member: Membership, ben_member: Membership) -> None:
    """Ben, connected, wrote to somebody who is not in Salesforce."""
    connect(salesforce, ada_member, SYNC, Intent.SYNC_USER)
    confirm(ada_member.role, {}, ada_member.user)
    connect(salesforce, ben_member, BEN, Intent.MEMBER)
    report(acme, sent(1, to=(Person(GRACE, "Grace Hopper"),)))
    log(connection_of(ben_member))
    assert SyncJob.objects.get().reason == "no_match"


@pytest.mark.parametrize(("viewport", "theme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_a_lead_by_keyboard(
    chromium: Browser,
    live_server: object,
    salesforce: TestedStandIn,
    waiting: None,
    ben: User,
    viewport: dict,
    theme: str,
) -> None:
    complaints: list[str] = []
    context = chromium.new_context(
        base_url=live_server.url, viewport=viewport, color_scheme=theme, reduced_motion="reduce"
    )
    cookie = log_in(ben).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    page.goto("/w/acme/unresolved/")
    page.get_by_role("link", name="Create…").press("Enter")
    expect(page.get_by_label("Last name")).to_have_value("Hopper")
    assert violations(page) == []
    page.get_by_label("Company").fill("Navy")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Is it this person?")).to_be_visible()
    expect(page.get_by_role("button", name="Link to Grace Hopper")).to_be_visible()
    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.get_by_role("button", name="Create anyway").press("Enter")

    expect(page.get_by_text("Grace Hopper is a Lead in Salesforce now.")).to_be_visible()
    expect(page.get_by_role("heading", name="Everybody is known")).to_be_visible()
    context.close()
    assert complaints == []
    leads = [row["Company"] for row in salesforce.org.rows("Lead") if row.get("Email") == GRACE]
    assert leads == ["Navy"]
