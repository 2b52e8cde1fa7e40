"""The pages on which people see what arrived, and press the buttons."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest
import requests

from integrations.salesforce.stand_in.layout import MENU
from integrations.salesforce.stand_in.ready_faults import READY
from tests.integrations.salesforce.stand_in.caller import ADA, BEN, Caller
from tests.stand_in_fixtures import TestedStandIn

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """A page whose tags are closed in order; collects its words, links and forms."""

    def __init__(self, stand_in: TestedStandIn, path: str) -> None:
        super().__init__()
        self.base = stand_in.login_url
        self.answer = requests.get(self.base + path, timeout=5)
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.feed(self.answer.text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert not any(name == "style" or name.startswith("on") for name in values)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(values["href"])
        if tag == "form":
            self.forms.append({})
        if tag == "input" and self.forms:
            self.forms[-1][values["name"]] = values["value"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())
            if self.open[-1] == "button":
                self.forms[-1]["button"] = data.strip()

    def press(self, button: str, **having: str) -> "Page":
        """Press the first button of that text whose form has these values."""
        form = next(each for each in self.forms if each["button"] == button and having.items() <= each.items())
        sent = {key: value for key, value in form.items() if key != "button"}
        answer = requests.post(self.base + "/stand-in/press", sent, timeout=5, allow_redirects=False)
        assert answer.status_code == 303, answer.text
        self.landed = urljoin(self.base, answer.headers["Location"])
        return self


@pytest.mark.parametrize("path", [path for path, _ in MENU])
def test_every_page_of_the_menu(stand_in: TestedStandIn, path: str) -> None:
    page = Page(stand_in, path)

    assert page.answer.status_code == 200
    assert page.answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert [link for link in page.links if link in dict(MENU)][:10] == [link for link, _ in MENU]


def test_tasks_with_the_names_of_who_what_and_owner(ada: Caller) -> None:
    org = ada.stand_in.org
    contact, deal = org.rows("Contact")[0]["Id"], org.rows("Opportunity")[0]["Id"]
    task = ada.create("Task", Subject="<Sent> & done", WhoId=contact, WhatId=deal, ActivityDate="2026-11-23")
    page = Page(ada.stand_in, "/")

    row = page.words[page.words.index("<Sent> & done") :]
    assert row[:6] == [
        "<Sent> & done",
        "Nora West",
        "Northwind: fleet renewal",
        "Ada Lovelace",
        "2026-11-23",
        "Not Started",
    ]
    assert page.links[-4:] == [f"/{task}", f"/{contact}", f"/{deal}", f"/{ada.user_id}"]
    assert "in Acme: 1 task" in page.words


def test_events(ada: Caller) -> None:
    ada.create("Event", Subject="Demo", StartDateTime="2026-11-23T09:30:00Z", DurationInMinutes=30, Location="Rome")
    words = Page(ada.stand_in, "/events").words

    assert words[words.index("Demo") :] == [
        "Demo",
        "Ada Lovelace",
        "2026-11-23 09:30 UTC",
        "2026-11-23 10:00 UTC",
        "Rome",
    ]


@pytest.mark.parametrize("address", ["/{}", "/{}/", "/lightning/r/Task/{}/view", "/lightning/r/{}/view"])
def test_a_record_has_its_page(ada: Caller, address: str) -> None:
    task = ada.create("Task", Subject="One", Description="line\nline", CallObject="touchline:x")
    for written in (task, task[:15]):
        page = Page(ada.stand_in, address.format(written))
        assert page.answer.status_code == 200
        assert page.words.count("touchline:x") == 1
        assert "line\nline" in page.words


def test_what_is_not_there(stand_in: TestedStandIn) -> None:
    for path in ("/00TA10000000zzz", "/nonsense", "/lightning/r/Task"):
        assert Page(stand_in, path).answer.status_code == 404


def test_older_records_are_on_the_next_page(ada: Caller) -> None:
    for number in range(51):
        ada.stand_in.org.add("Task", Subject=f"Task {number:02}")
    first = Page(ada.stand_in, "/")
    second = Page(ada.stand_in, first.links[-1])

    assert [word for word in first.words if word.startswith("Task ")] == [f"Task {n:02}" for n in range(50, 0, -1)]
    assert [word for word in second.words if word.startswith("Task ")] == ["Task 00"]


def test_each_org_has_its_tables(stand_in: TestedStandIn) -> None:
    stand_in.orgs[1].add("Task", Subject="In the sandbox")

    assert "In the sandbox" not in Page(stand_in, "/").words
    assert "In the sandbox" in Page(stand_in, "/?org=1").words
    assert "In the sandbox" in requests.get(stand_in.sandbox_login_url, timeout=5).text


def test_records_can_be_deleted_restored_and_locked(ada: Caller) -> None:
    org, task = ada.stand_in.org, ada.create("Task")
    page = Page(ada.stand_in, f"/{task}").press("Delete")
    assert org.row(task)["IsDeleted"] is True
    assert page.landed.endswith(f"/{task}")
    Page(ada.stand_in, f"/{task}").press("Restore")
    assert org.row(task)["IsDeleted"] is False
    Page(ada.stand_in, f"/{task}").press("Lock, as another transaction would")
    assert org.locked_rows == {task}
    Page(ada.stand_in, f"/{task}").press("Let go of the lock")
    assert org.locked_rows == set()


def test_leads_can_be_converted_and_users_deactivated(ada: Caller) -> None:
    org = ada.stand_in.org
    lead = org.rows("Lead")[0]["Id"]
    Page(ada.stand_in, f"/{lead}").press("Convert to a contact")
    assert org.row(lead)["IsConverted"] is True
    assert "Convert to a contact" not in Page(ada.stand_in, f"/{lead}").words
    Page(ada.stand_in, f"/{ada.user_id}").press("Deactivate")
    assert org.row(ada.user_id)["IsActive"] is False
    Page(ada.stand_in, f"/{ada.user_id}").press("Activate")
    assert org.row(ada.user_id)["IsActive"] is True
    Page(ada.stand_in, f"/{ada.user_id}").press("Revoke Touchline's access")
    assert ada.stand_in.oauth.live_grants(ADA) == []


def test_grants_without_tokens(ada: Caller, ben: Caller) -> None:
    page = Page(ada.stand_in, "/grants")
    assert [word for word in page.words if word in ("Ada Lovelace", "Ben Franklin", "live")] == [
        "Ben Franklin",
        "live",
        "Ada Lovelace",
        "live",
    ]
    for secret in (*ada.tokens.values(), *ben.tokens.values()):
        if len(secret) > 60 and "api" not in secret:
            assert secret not in page.answer.text
    page.press("Revoke", email=BEN)
    assert ada.stand_in.oauth.live_grants(BEN) == []
    assert "revoked in Salesforce" in Page(ada.stand_in, "/grants").words
    page.press("Let all sessions expire")
    assert ada.get("limits").status_code == 401


def test_usage(ada: Caller) -> None:
    ada.get("limits")
    ada.query("SELECT Id FROM Task")
    words = Page(ada.stand_in, "/usage").words

    assert "2 of 100,000 calls in 24 hours." in words
    assert words[words.index("limits") :][:2] == ["limits", "1"]


@pytest.mark.parametrize("name", sorted(READY))
def test_every_ready_fault_has_a_button(stand_in: TestedStandIn, name: str) -> None:
    Page(stand_in, "/faults").press("Order", ready=name)
    waiting = Page(stand_in, "/faults")
    assert waiting.words.count(READY[name].title) == 2
    waiting.press("Cancel")
    assert stand_in.faults.waiting == []


SWITCHES = [
    ("Lock it", "Open it", lambda org: not org.is_active),
    ("Block it", "Welcome it", lambda org: org.blocked_ip),
    ("Blocked", "Open", lambda org: org.app_policy == "blocked"),
    ("Use them up", "Start the day anew", lambda org: org.usage.is_exhausted),
    ("Hide it", "Show it", lambda org: ("Task", "CallObject") in org.profiles[org.user(ADA)["Id"]].hidden),
    ("Make them blind", "Let them work", lambda org: org.blind_objects == {"Task"}),
]


@pytest.mark.parametrize(("on", "off", "is_on"), SWITCHES)
def test_switches_go_on_and_off(stand_in: TestedStandIn, on: str, off: str, is_on) -> None:
    states = [is_on(stand_in.org)]
    for text in (on, off):
        Page(stand_in, "/faults").press(text)
        states.append(is_on(stand_in.org))

    assert states == [False, True, False]


@pytest.mark.parametrize(
    ("title", "is_on"),
    [
        ("share_activities", lambda org: "TaskWhoIds" in org.objects["Task"].fields),
        ("add_validation_rule", lambda org: len(org.validation_rules) == 1),
    ],
)
def test_other_switches(stand_in: TestedStandIn, title: str, is_on) -> None:
    Page(stand_in, "/faults").press("Switch on", scenario=title)
    assert is_on(stand_in.org)
    off = {"add_validation_rule": "remove_validation_rules"}.get(title, title)
    Page(stand_in, "/faults").press("Switch off", scenario=off)
    assert not is_on(stand_in.org)


def test_the_style_has_a_dark_mode(stand_in: TestedStandIn) -> None:
    answer = requests.get(stand_in.login_url + "/stand-in.css", timeout=5)

    assert answer.headers["Content-Type"] == "text/css"
    assert re.search(r"prefers-color-scheme: dark", answer.text)
