"""A meeting's life in a calendar reaches Salesforce. Real calendar server, real browser."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import assert_readable, connect_own_user, connect_sync_user, found_workspace
from tests.calendar_fixtures import CALENDAR_PASSWORD, Radicale, entry, event, next_day
from tests.processes import Installation
from tests.stand_in_fixtures import TestedStandIn

pytestmark = pytest.mark.browser

ADA = "ada@touchline.example"


@pytest.fixture
def environment(radicale_server: Radicale) -> dict[str, str]:
    """The calendar server of the tests is allowed, and asked every two seconds."""
    return {
        "MAILBOX_EXTRA_HOSTS": radicale_server.extra_host,
        "MAILBOX_CA_BUNDLE": str(radicale_server.ca_bundle),
        "CALENDAR_POLL": "2",
    }


def test_a_meeting_from_its_acceptance_to_its_end(
    installation: Installation,
    stand_in: TestedStandIn,
    radicale_server: Radicale,
    new_person: Callable[..., Page],
) -> None:
    stand_in.register_callbacks(installation.base_url)
    installation.start("watcher", "manage.py", "watch_mailboxes")
    user = radicale_server.new_user()
    radicale_server.make_calendar(user, "office", "Work")
    radicale_server.make_calendar(user, "family", "Family")
    ada = new_person()
    found_workspace(ada, installation, "Ada Lovelace", ADA)
    connect_sync_user(ada)
    connect_own_user(ada, ADA)

    # She connects her calendar account and leaves the family out.
    ada.goto("/settings/integrations/")
    ada.get_by_role("link", name="Connect calendar").click()
    ada.get_by_label("E-mail address that your calendar belongs to").fill(ADA)
    ada.get_by_role("button", name="Continue").click()
    ada.get_by_label("Calendar server (CalDAV)").fill(radicale_server.url)
    ada.get_by_label("User name").fill(user)
    ada.get_by_label("Password or app password").fill(CALENDAR_PASSWORD)
    ada.get_by_role("button", name="Connect calendar").click()
    ada.get_by_label("Work", exact=True).check()
    ada.get_by_role("button", name="Save").click()
    card = ada.locator("#calendar")

    def is_reading() -> bool:
        ada.reload()
        return card.get_by_text("Connected", exact=True).is_visible()

    installation.wait_for("the calendar", is_reading)

    for page in ("", "calendar/", "calendar/choose/"):
        assert_readable(ada, f"/w/acme-sales/settings/integrations/{page}")

    # Nora has accepted; the family's evening is nobody's business.
    start = next_day(3)
    radicale_server.put(user, "evening", entry(event("evening", start, organizer=ADA, title="Dinner")), "family")
    radicale_server.put(user, "demo", entry(event("demo", start, organizer=ADA)))
    installation.wait_for("the Event", lambda: stand_in.org.rows("Event"))
    event_then = the_event(stand_in)
    assert (event_then["Subject"], as_time(event_then["StartDateTime"])) == ("Meeting Confirmed: Product demo", start)

    # It moves, and is then deleted: the same Event follows.
    later = start + timedelta(days=1)
    radicale_server.put(user, "demo", entry(event("demo", later, organizer=ADA, sequence=1)))
    installation.wait_for("the move", lambda: as_time(the_event(stand_in)["StartDateTime"]) == later)
    radicale_server.delete(user, "demo")
    installation.wait_for("the end", lambda: the_event(stand_in)["Subject"] == "Meeting Canceled: Product demo")
    assert the_event(stand_in)["Id"] == event_then["Id"]

    # She disconnects: the password is forgotten.
    ada.goto("/settings/integrations/")
    ada.get_by_role("button", name="Disconnect calendar").click()
    ada.get_by_role("dialog").get_by_role("button", name="Disconnect calendar").click()
    expect(card.get_by_role("link", name="Connect calendar")).to_be_visible()


def the_event(stand_in: TestedStandIn) -> dict[str, str]:
    """The only Event."""
    (found,) = stand_in.org.rows("Event")
    return found


def as_time(text: str) -> datetime:
    """A time as Salesforce writes it."""
    return datetime.fromisoformat(text)
