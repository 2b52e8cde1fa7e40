"""Names of any length stay inside their pages; paper is light; forced colours show where one is."""

import os

import pytest
from playwright.sync_api import Page, expect

from activity.models import Reason, SyncState
from integrations import api_keys
from tests.activity.rows import make_job, make_org
from tests.people import make_person
from workspaces import audit, invitations, members
from workspaces.models import Membership, Role

pytestmark = pytest.mark.browser

# As in test_design.py: the database is used between the calls of Playwright.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

NAME = "Wolfeschlegelsteinhausenbergerdorff" * 2 + "welcheralt"
ADDRESS = "a" * 60 + "@" + "sub.domain." * 8 + "example"
PAGES = [
    "activity-log/?whose=everyone",
    "live-feed/",
    "unresolved/",
    "settings/profile/",
    "settings/integrations/",
    "settings/crm-and-live-feed/",
    "admin/members/",
    "admin/roles/",
    "admin/integrations/",
    "admin/api-keys/",
    "admin/audit-log/",
    "admin/sync-health/",
]
# What is wider than the window, or scrolls sideways inside its card.
TOO_WIDE = """[...document.querySelectorAll("html, .table-wrap, .card, .top-bar")]
  .filter((each) => each.scrollWidth > each.clientWidth || each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.className || each.tagName)"""


@pytest.fixture
def long_names(ada_member: Membership) -> Membership:
    """Ada with a long name in a workspace, a role and an org of that name, and rows, keys, entries with it."""
    workspace, user = ada_member.workspace, ada_member.user
    type(user).objects.filter(pk=user.pk).update(name=NAME)
    type(workspace).objects.filter(pk=workspace.pk).update(name=NAME)
    role = Role.objects.create(workspace=workspace, name=NAME)
    Membership.objects.filter(pk=ada_member.pk).update(role=role)
    org = make_org(workspace)
    type(org).objects.filter(pk=org.pk).update(name=NAME, web_url=f"https://{NAME}.my.salesforce.com")
    ben = members.add(workspace, make_person("Ben"))
    type(user).objects.filter(pk=ben.user.pk).update(name=NAME)
    invitations.invite(workspace, "x" * 50 + "@acme.example", role, True, user)
    api_keys.create(workspace, NAME, user)
    audit.record("settings.saved", workspace=workspace, actor=user, target=NAME, details={"role": ["", NAME]})
    make_job(ada_member, SyncState.SKIPPED, reason=Reason.NO_MATCH, recipient=ADDRESS, subject=NAME * 3)
    make_job(
        ben, SyncState.FAILED, reason=Reason.REJECTED, reason_detail=NAME * 2, error_code=NAME, recipient=ADDRESS
    )
    return ada_member


@pytest.mark.parametrize("width", [1280, 800, 390], ids=["desk", "between", "phone"])
def test_names_of_any_length_stay_inside(open_page, long_names, width):
    page: Page = open_page(long_names.user, viewport={"width": width, "height": 800})
    found = {}
    for path in PAGES:
        page.goto(f"/w/acme/{path}")
        found[path] = page.evaluate(TOO_WIDE)
    assert found == {path: [] for path in PAGES}


def test_paper_is_light_and_holds_nothing_to_press(open_page, ada):
    page = open_page(ada, color_scheme="dark")
    page.goto("/w/acme/activity-log/")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 32, 36)"
    expect(page.get_by_role("heading", name="Activity Log")).to_be_visible()
    expect(page.locator(".top-bar, .filters, .button").filter(visible=True)).to_have_count(0)


def test_forced_colours_show_where_one_is(open_page, ada):
    page = open_page(ada, forced_colors="active")
    page.goto("/w/acme/activity-log/")
    outline = "getComputedStyle(document.querySelector('.top-nav [aria-current]')).outlineStyle"
    assert page.evaluate(outline) == "solid"
    borders = "[...document.querySelectorAll('.tab')].map((each) => getComputedStyle(each).borderBottomColor)"
    settings, log = page.evaluate(borders)
    assert settings != log
