"""What a newcomer does, from sign-up to a logged Task, with a real browser, server, queue and Salesforce stand-in."""

import email.policy
import re
from collections.abc import Callable
from email import message_from_bytes
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.processes import Installation
from tests.stand_in_fixtures import TestedStandIn

pytestmark = pytest.mark.browser

PASSWORD = "correct-horse-battery"
ADA = "ada@touchline.example"
BEN = "ben@touchline.example"
NORA = "nora.west@northwindtraders.example"
LETTER = Path(__file__).parent / "letter.eml"


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


def api_call(letter: bytes, user: str) -> dict:
    """The API item that reports a sent RFC 5322 message."""
    message = message_from_bytes(letter, policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body

    def people(header: str) -> list[dict[str, str]]:
        return [{"email": address, "name": name} for name, address in getaddresses([str(message.get(header, ""))])]

    return {
        "id": "letter-1",
        "user": user,
        "type": "sent",
        "occurred_at": parsedate_to_datetime(str(message["Date"])).isoformat(),
        "message": {
            "message_id": str(message["Message-ID"]),
            "subject": str(message["Subject"]),
            "from": people("From")[0],
            "to": people("To"),
            "text": body.get_content(),
            "via_touchline": True,
        },
    }


def post(installation: Installation, key: str, item: dict) -> dict:
    answer = requests.post(
        f"{installation.base_url}/api/v1/activities",
        json={"activities": [item]},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["results"][0]


def test_from_sign_up_to_a_logged_task_and_back(
    installation: Installation, stand_in: TestedStandIn, new_person: Callable[..., Page]
) -> None:
    stand_in.register_callbacks(installation.base_url)
    ada, ben = new_person(), new_person()

    # Ada signs up, verifies her address and creates a workspace.
    ada.goto("/")
    ada.get_by_role("link", name="Sign up").click()
    sign_up(ada, "Ada Lovelace", ADA)
    verify(ada, installation, ADA)
    ada.get_by_label("Workspace name").fill("Acme Sales")
    ada.get_by_role("button", name="Create workspace").click()
    expect(ada.get_by_role("heading", name="Activity Log")).to_be_visible()

    # She connects the Sync User and confirms what her team logs.
    ada.goto("/w/acme-sales/admin/integrations/")
    ada.get_by_role("button", name="Connect to production").click()
    allow_at_salesforce(ada, "sync@touchline.example")
    ada.get_by_role("button", name="Confirm and start logging").click()

    # She invites Ben, who accepts and connects his own Salesforce user.
    ada.goto("/w/acme-sales/admin/members/")
    ada.get_by_label("E-mail").fill(BEN)
    ada.get_by_role("button", name="Send invitation").click()
    ben.goto(link_in_mail(installation, BEN, "/invitations/"))
    ben.get_by_role("link", name="Sign up").click()
    sign_up(ben, "Ben Babbage", BEN)
    verify(ben, installation, BEN)
    ben.get_by_role("button", name="Join Acme Sales").click()
    ben.goto("/settings/integrations/")
    ben.get_by_role("button", name="Connect to Salesforce").click()
    allow_at_salesforce(ben, BEN)
    expect(ben.locator(".badge.tone-good", has_text="Connected")).to_be_visible()

    # A message that Ben really sent is reported; his log shows it Synced without a reload.
    ben.goto("/activity-log/")
    key = installation.manage("create_api_key", "acme-sales", "--name", "Mail client").split()[-1]
    result = post(installation, key, api_call(LETTER.read_bytes(), BEN))
    assert result["status"] == "accepted"
    row = ben.get_by_role("row").filter(has_text="Proposal for the fleet renewal")
    expect(row.get_by_text("Synced", exact=True)).to_be_visible()

    # In Salesforce stands the Task, with him as owner; in New York, where he is, it was still the day before.
    (task,) = stand_in.org.rows("Task")
    (contact,) = (row for row in stand_in.org.rows("Contact") if row["Email"] == NORA)
    (deal,) = (row for row in stand_in.org.rows("Opportunity") if row["Name"] == "Northwind: fleet renewal")
    assert {name: task[name] for name in ("OwnerId", "WhoId", "WhatId", "Status", "Subject", "ActivityDate")} == {
        "OwnerId": stand_in.org.user(BEN)["Id"],
        "WhoId": contact["Id"],
        "WhatId": deal["Id"],
        "Status": "Completed",
        "Subject": "Sent (New): Proposal for the fleet renewal",
        "ActivityDate": "2026-11-19",
    }

    # The drill-down shows what was sent and what Salesforce answered.
    row.get_by_role("link").first.click()
    expect(ben.get_by_text('"Subject"')).to_be_visible()
    expect(ben.get_by_text(task["Id"]).first).to_be_visible()

    # He disconnects: the grant is revoked in Salesforce, and what comes next waits with its reason.
    assert len(stand_in.oauth.live_grants(BEN)) == 1
    ben.goto("/settings/integrations/")
    ben.get_by_role("button", name="Disconnect Salesforce").click()
    ben.get_by_role("dialog").get_by_role("button", name="Disconnect Salesforce").click()
    installation.wait_for("the revocation", lambda: not stand_in.oauth.live_grants(BEN))
    second = api_call(LETTER.read_bytes().replace(b"the fleet renewal", b"the second fleet"), BEN)
    second["id"], second["message"]["message_id"] = "letter-2", "<second@touchline.example>"
    assert post(installation, key, second)["status"] == "accepted"
    ben.goto("/activity-log/")
    waiting = ben.get_by_role("row").filter(has_text="Proposal for the second fleet")
    expect(waiting.get_by_text("Not Synced", exact=True)).to_be_visible()
    expect(waiting).to_contain_text("Kept until Salesforce is connected.")
