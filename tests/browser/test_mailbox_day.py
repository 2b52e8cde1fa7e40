"""A day of mail: what a member writes and gets on any device reaches Salesforce. Real mail server, real browser."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import assert_readable, connect_own_user, connect_sync_user, found_workspace
from tests.mailbox_fixtures import PASSWORD, Dovecot, letter, needs_dovecot
from tests.processes import Installation
from tests.stand_in_fixtures import TestedStandIn

pytestmark = [pytest.mark.browser, needs_dovecot]

ADA = "ada@touchline.example"
MAILBOX = "ada@acme.example"
NORA = "nora.west@northwindtraders.example"
SOON = 10  # seconds: far below the time after which a mailbox without IDLE is looked into again


@pytest.fixture
def environment(dovecot_server: Dovecot) -> dict[str, str]:
    """The mail server of the tests is allowed."""
    dovecot_server.users[MAILBOX] = "ada-day"
    return {"MAILBOX_EXTRA_HOSTS": dovecot_server.extra_host, "MAILBOX_CA_BUNDLE": str(dovecot_server.ca_bundle)}


def test_a_day_of_mail(
    installation: Installation,
    stand_in: TestedStandIn,
    dovecot_server: Dovecot,
    new_person: Callable[..., Page],
) -> None:
    stand_in.register_callbacks(installation.base_url)
    installation.start("watcher", "manage.py", "watch_mailboxes")
    ada = new_person()
    found_workspace(ada, installation, "Ada Lovelace", ADA)
    connect_sync_user(ada)
    connect_own_user(ada, ADA)

    # She switches Sync all messages on, is led to her mailbox and connects it.
    ada.goto("/settings/crm-and-live-feed/")
    ada.get_by_label("Sync all messages to Salesforce whether or not I send them with Touchline").check()
    ada.get_by_label("E-mail address of the mailbox").fill(MAILBOX)
    ada.get_by_role("button", name="Continue").click()
    ada.get_by_label("Mail server (IMAP)").fill(dovecot_server.extra_host)
    ada.get_by_label("User name").fill("ada-day")
    ada.get_by_label("Password or app password").fill(PASSWORD)
    ada.get_by_role("button", name="Connect mailbox").click()
    card = ada.locator("#mailbox")

    def is_reading() -> bool:
        ada.reload()
        return card.get_by_text("Connected", exact=True).is_visible()

    installation.wait_for("the mailbox", is_reading)

    for page in ("", "mailbox/", "mailbox/folders/", "mailbox/older-mail/"):
        assert_readable(ada, f"/w/acme-sales/settings/integrations/{page}")

    # From her phone she writes to Nora: a Task stands in Salesforce within seconds.
    phone = letter(From=f"Ada <{MAILBOX}>", Subject="Fleet renewal")
    dovecot_server.send(phone, MAILBOX, [NORA])
    sent = wait_for_record(installation, stand_in, "Task", "Sent (New): Fleet renewal", SOON)
    (contact,) = (row for row in stand_in.org.rows("Contact") if row["Email"] == NORA)
    assert (sent["WhoId"], sent["OwnerId"]) == (contact["Id"], stand_in.org.user(ADA)["Id"])

    # Nora answers.
    answer = letter(
        From=f"Nora West <{NORA}>",
        To=f"Ada <{MAILBOX}>",
        **{"Message-ID": "<answer-1@northwindtraders.example>"},
        Subject="Re: Fleet renewal",
        answers="m1@acme.example",
        text="Yes, please.\n",
    )
    dovecot_server.send(answer, NORA, [MAILBOX])
    replied = wait_for_record(installation, stand_in, "Task", "Replied: Re: Fleet renewal", SOON)
    assert replied["WhoId"] == contact["Id"]

    # Ada invites Nora to a meeting; Nora accepts.
    start = (datetime.now(UTC) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    dovecot_server.send(invitation("REQUEST", 0, start), MAILBOX, [NORA])
    dovecot_server.send(invitation("REPLY", 0, start, accepted=True), NORA, [MAILBOX])
    event = wait_for_record(installation, stand_in, "Event", "Meeting Confirmed: Fleet review", SOON)
    assert (event["WhoId"], as_time(event["StartDateTime"])) == (contact["Id"], start)

    # The meeting moves by a day: so does the same Event.
    later = start + timedelta(days=1)
    dovecot_server.send(invitation("REQUEST", 1, later), MAILBOX, [NORA])
    installation.wait_for("the move", lambda: as_time(the_event(stand_in)["StartDateTime"]) == later, SOON)
    moved = the_event(stand_in)
    assert (moved["Id"], as_time(moved["EndDateTime"])) == (event["Id"], later + timedelta(hours=1))

    # Ada cancels it.
    dovecot_server.send(invitation("CANCEL", 2, later), MAILBOX, [NORA])
    wait_for_record(installation, stand_in, "Event", "Meeting Canceled: Fleet review", SOON)
    assert the_event(stand_in)["Id"] == event["Id"]

    # Her log tells the same, and the mails that carried the meeting are not logged beside it.
    ada.goto("/activity-log/")
    rows = ada.locator("table tbody tr")
    expect(rows).to_have_count(5)
    assert [row["Subject"] for row in stand_in.org.rows("Task")] == [sent["Subject"], replied["Subject"]]


def wait_for_record(
    installation: Installation, stand_in: TestedStandIn, kind: str, subject: str, limit: float
) -> dict[str, str]:
    """The one record of this subject, once it is there."""

    def found() -> list[dict[str, str]]:
        return [row for row in stand_in.org.rows(kind) if row["Subject"] == subject]

    installation.wait_for(subject, found, limit)
    (record,) = found()
    return record


def the_event(stand_in: TestedStandIn) -> dict[str, str]:
    """The only Event of ours."""
    (event,) = (row for row in stand_in.org.rows("Event") if "Fleet review" in row["Subject"])
    return event


def as_time(text: str) -> datetime:
    """A time as Salesforce writes it."""
    return datetime.fromisoformat(text)


def invitation(method: str, sequence: int, start: datetime, *, accepted: bool = False) -> bytes:
    """The mail of a meeting between Ada and Nora, as RFC 6047 says: from its organizer, or a REPLY from Nora."""
    end = start + timedelta(hours=1)
    state = "ACCEPTED" if accepted else "NEEDS-ACTION"
    lines = (
        "BEGIN:VCALENDAR",
        "PRODID:-//Example//Calendar//EN",
        "VERSION:2.0",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        "UID:fleet-review@acme.example",
        f"SEQUENCE:{sequence}",
        f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{end:%Y%m%dT%H%M%SZ}",
        "SUMMARY:Fleet review",
        f"STATUS:{'CANCELLED' if method == 'CANCEL' else 'CONFIRMED'}",
        f"ORGANIZER;CN=Ada:mailto:{MAILBOX}",
        f"ATTENDEE;CN=Nora West;PARTSTAT={state}:mailto:{NORA}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    mail = EmailMessage()
    people = (f"Nora West <{NORA}>", f"Ada <{MAILBOX}>")
    mail["From"], mail["To"] = people if method == "REPLY" else people[::-1]
    answer = {"REQUEST": "", "REPLY": "Accepted: ", "CANCEL": "Canceled: "}[method]
    mail["Subject"] = f"{answer}Fleet review"
    mail["Date"], mail["Message-ID"] = format_datetime(datetime.now(UTC)), make_msgid(domain="acme.example")
    mail.set_content("A meeting.")
    mail.add_alternative("\r\n".join(lines), subtype="calendar", params={"method": method})
    return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))
