"""Invitations and answers in a real mail server become Events; the mails themselves are not logged."""

from email.message import EmailMessage

import pytest

from activity.models import Activity, SyncJob
from integrations.models import Connection, QuarantinedMail
from tests.activity.mail_watch.watched import connect_mailbox, is_read, wait_for, watching
from tests.activity.stories import NORA, log
from tests.integrations.calendar.invitations import BEN, calendar, event
from tests.mailbox_fixtures import Dovecot, letter, needs_dovecot
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]


def mail(number: int, sender: str, to: str, ics: bytes) -> bytes:
    """A mail of a calendar program: a text, and beside it the calendar."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, "Invitation: Demo"
    made["Message-ID"] = f"<c{number}@calendar.example>"
    made.set_content("Somebody invites you to Demo.")
    method = ics.partition(b"METHOD:")[2].partition(b"\r\n")[0].decode()
    made.add_alternative(ics, "text", "calendar", cte="base64", params={"method": method, "charset": "UTF-8"})
    return made.as_bytes(policy=made.policy.clone(linesep="\r\n"))


def events(salesforce: TestedStandIn) -> list[tuple[str, str, str]]:
    """Subject, beginning and end of every Event in Salesforce."""
    rows = salesforce.org.rows("Event")
    return [(row["Subject"], row["StartDateTime"][:16], row["EndDateTime"][:16]) for row in rows]


def test_an_invitation_is_accepted_moved_and_cancelled(
    dovecot: Dovecot, bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    connect_mailbox(ben_member, dovecot, "meets")
    seen = []
    with watching():
        wait_for("the watcher", lambda: dovecot.connections_of("meets") == 2)
        dovecot.put("meets", dovecot.SENT, mail(1, BEN, NORA, calendar("REQUEST", event())))
        dovecot.put("meets", "INBOX", mail(2, NORA, BEN, calendar("REPLY", event(attendees={NORA: "ACCEPTED"}))))
        wait_for("the answer", lambda: Activity.objects.count() == 1)
        log(bens_connection)
        seen += events(salesforce)
        moved = calendar("REQUEST", event(sequence=1, minute=10, hour=16))
        dovecot.put("meets", dovecot.SENT, mail(3, BEN, NORA, moved))
        wait_for("the move", lambda: Activity.objects.count() == 2)
        log(bens_connection)
        seen += events(salesforce)
        cancelled = calendar("CANCEL", event("STATUS:CANCELLED", sequence=2, minute=20, hour=16))
        dovecot.put("meets", dovecot.SENT, mail(4, BEN, NORA, cancelled))
        wait_for("the end", lambda: Activity.objects.count() == 3)
        log(bens_connection)
        seen += events(salesforce)

    assert seen == [
        ("Meeting Confirmed: Demo", "2026-11-25T14:00", "2026-11-25T15:00"),
        ("Meeting Confirmed: Demo", "2026-11-25T16:00", "2026-11-25T17:00"),
        ("Meeting Canceled: Demo", "2026-11-25T16:00", "2026-11-25T17:00"),
    ]
    jobs = SyncJob.objects.order_by("pk").values_list("kind", "object_type", "recipient", "state")
    assert list(jobs) == [
        ("meeting_confirmed", "Event", NORA, "synced"),
        ("meeting_confirmed", "Event", NORA, "synced"),
        ("meeting_canceled", "Event", NORA, "synced"),
    ]


def test_only_the_people_concerned_are_believed_and_other_mail_stays_mail(
    dovecot: Dovecot, bens_connection: Connection, ben_member: Membership
) -> None:
    mailbox = connect_mailbox(ben_member, dovecot, "forged")
    asked = calendar("REQUEST", event(organizer=NORA, attendees={BEN: "ACCEPTED"}))
    ours = calendar("REPLY", event(organizer=NORA, attendees={BEN: "ACCEPTED"}, minute=5))
    shown = mail(9, NORA, BEN, calendar("PUBLISH", event(uid="shown")))
    broken = mail(10, NORA, BEN, b"METHOD:REQUEST\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n")
    dovecot.put(
        "forged",
        "INBOX",
        mail(1, NORA, BEN, asked),  # that Ben accepted is for him to say
        mail(2, BEN, NORA, ours),  # and not out of the inbox
        mail(3, "eve@evil.example", BEN, calendar("REPLY", event(uid="2", attendees={NORA: "ACCEPTED"}))),
        shown,
        broken,
        letter(1, From=NORA, To=BEN),
    )
    with watching():
        wait_for("everything", lambda: is_read(mailbox, inbox=7))
        unanswered = list(Activity.objects.order_by("pk").values_list("kind", "message__message_id"))
        dovecot.put("forged", dovecot.SENT, mail(4, BEN, NORA, ours))
        wait_for("Ben's answer", lambda: Activity.objects.filter(kind="meeting_confirmed").count() == 1)

    assert unanswered == [
        ("received", "c9@calendar.example"),
        ("received", "c10@calendar.example"),
        ("received", "m1@acme.example"),
    ]
    assert not QuarantinedMail.objects.exists()
