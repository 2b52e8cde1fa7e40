"""What several people do with a browser, as they see it."""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.processes import Installation

PASSWORD = "correct-horse-battery"


def link_in_mail(installation: Installation, address: str, pattern: str) -> str:
    """The newest link to our pages in the mail to an address that matches the pattern."""
    found: list[str] = []

    def has_come() -> bool:
        for letter in installation.letters_to(address):
            found.extend(re.findall(rf"{re.escape(installation.base_url)}\S*{pattern}\S*", letter.text))
        return bool(found)

    installation.wait_for(f"the mail to {address}", has_come)
    return found[0]


def sign_up(page: Page, name: str, address: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()


def verify(page: Page, installation: Installation, address: str) -> None:
    page.goto(link_in_mail(installation, address, "confirm-email"))
    page.get_by_role("button", name="Yes, confirm").click()


def allow_at_salesforce(page: Page, address: str) -> None:
    """From our *Finish signing in at Salesforce* page through Salesforce's login and approval to our confirm page."""
    page.get_by_role("link", name="Continue to Salesforce").click()
    page.get_by_role("button", name=address).click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("button", name="Confirm", exact=True).click()


def found_workspace(page: Page, installation: Installation, name: str, address: str) -> None:
    """Sign up, verify the address and create the workspace Acme Sales."""
    page.goto("/account/signup/")
    sign_up(page, name, address)
    verify(page, installation, address)
    page.get_by_label("Workspace name").fill("Acme Sales")
    page.get_by_role("button", name="Create workspace").click()
    expect(page.get_by_role("heading", name="Activity Log")).to_be_visible()


def connect_sync_user(page: Page) -> None:
    """Connect the Sync User of Acme Sales and confirm what the team logs."""
    page.goto("/w/acme-sales/admin/integrations/")
    page.get_by_role("button", name="Connect to production").click()
    allow_at_salesforce(page, "sync@touchline.example")
    page.get_by_role("button", name="Confirm and start logging").click()


def connect_own_user(page: Page, address: str) -> None:
    """Connect the member's own Salesforce user."""
    page.goto("/settings/integrations/")
    page.get_by_role("button", name="Connect to Salesforce").click()
    allow_at_salesforce(page, address)
    expect(page.locator(".badge.tone-good", has_text="Connected")).to_be_visible()


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds: (rule, first element). It makes no copies of style sheets: our content policy refuses them."""
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in found]


def assert_readable(page: Page, path: str) -> None:
    """Nothing that axe finds, nothing wider than the window."""
    page.goto(path)
    found = violations(page)
    assert not found, f"{path}: {found}"
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), f"{path} is too wide"
