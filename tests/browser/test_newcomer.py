"""What a newcomer does, from sign-up to a logged Task, with a real browser, server, queue and Salesforce stand-in."""

import email.policy
from collections.abc import Callable
from email import message_from_bytes
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.steps import connect_own_user, connect_sync_user, found_workspace, link_in_mail, sign_up, verify
from tests.processes import Installation
from tests.stand_in_fixtures import TestedStandIn

pytestmark = pytest.mark.browser

ADA = "ada@touchline.example"
BEN = "ben@touchline.example"
NORA = "nora.west@northwindtraders.example"
LETTER = Path(__file__).parent / "letter.eml"


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

    # Ada signs up, verifies her address and creates a workspace; she connects the Sync User and confirms.
    ada.goto("/")
    expect(ada.get_by_role("link", name="Sign up")).to_be_visible()
    found_workspace(ada, installation, "Ada Lovelace", ADA)
    connect_sync_user(ada)

    # She invites Ben, who accepts and connects his own Salesforce user.
    ada.goto("/w/acme-sales/admin/members/")
    ada.get_by_label("E-mail").fill(BEN)
    ada.get_by_role("button", name="Send invitation").click()
    ben.goto(link_in_mail(installation, BEN, "/invitations/"))
    ben.get_by_role("link", name="Sign up").click()
    sign_up(ben, "Ben Babbage", BEN)
    verify(ben, installation, BEN)
    ben.get_by_role("button", name="Join Acme Sales").click()
    connect_own_user(ben, BEN)

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
