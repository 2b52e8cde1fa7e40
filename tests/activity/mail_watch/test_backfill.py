"""Older mail is counted, and taken up when its owner says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import Activity
from integrations.models import Connection, MailboxBackfill
from tests.activity.mail_watch.test_meetings import mail
from tests.activity.mail_watch.watched import connect_mailbox, wait_for, watching
from tests.activity.stories import NORA
from tests.integrations.calendar.invitations import BEN, calendar, event
from tests.mailbox_fixtures import Dovecot, letter, needs_dovecot
from tests.people import log_in
from workspaces.models import Membership

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]
PAGE = "/w/acme/settings/integrations/mailbox/older-mail/"
FROM_NORA = {"From": f"Nora West <{NORA}>", "To": "ben@acme.example"}


def has_come_to(state: str):
    return lambda: MailboxBackfill.objects.latest("pk").state == state


def test_older_mail_is_counted_then_logged_without_what_looks_personal(
    dovecot: Dovecot, bens_connection: Connection, ben_member: Membership
) -> None:
    dovecot.put("older", dovecot.SENT, letter(1), letter(2, To="ada@acme.example"), letter(3, Sensitivity="Personal"))
    dovecot.put("older", dovecot.SENT, mail(1, BEN, NORA, calendar("REQUEST", event())))
    dovecot.put("older", "INBOX", letter(4, answers="m1@acme.example", **FROM_NORA), b"Subject: from nobody\r\n\r\n")
    connect_mailbox(ben_member, dovecot, "older")
    browser, today = log_in(ben_member.user), timezone.localdate()
    days = {"since": today - timedelta(days=1), "until": today + timedelta(days=1)}

    with watching():
        browser.post(PAGE, days)
        wait_for("the count", has_come_to("counted"))
        counted = MailboxBackfill.objects.get()
        page = browser.get(PAGE).content.decode()
        assert (counted.total, counted.seen, counted.loggable, counted.others, counted.personal) == (6, 6, 2, 3, 1)
        said = "<strong>2</strong> messages would be logged, <strong>3</strong> would not, "
        assert f"{said}<strong>1</strong> looks personal." in page
        assert not Activity.objects.exists()

        browser.post(PAGE, {"run": "1"})
        wait_for("the end", has_come_to("done"))
        browser.post(PAGE, days)
        wait_for("the second count", has_come_to("counted"))
        counted = MailboxBackfill.objects.latest("pk")
        assert (counted.loggable, counted.others, counted.personal) == (0, 5, 1)
        browser.post(PAGE, {"run": "1", "with_personal": "on"})
        wait_for("the second end", has_come_to("done"))

    taken_up = list(MailboxBackfill.objects.order_by("pk").values_list("taken_up", flat=True))
    found = list(Activity.objects.order_by("pk").values_list("kind", "message__message_id"))
    assert taken_up == [2, 1]
    assert found == [("sent", "m1@acme.example"), ("replied", "m4@acme.example"), ("sent", "m3@acme.example")]
    assert b"<strong>1</strong> message was taken up." in browser.get(f"{PAGE}live/").content


def test_one_at_a_time_and_days_in_order(dovecot: Dovecot, ben_member: Membership) -> None:
    connect_mailbox(ben_member, dovecot, "days")
    browser = log_in(ben_member.user)

    assert b"lies before the first" in browser.post(PAGE, {"since": "2026-11-02", "until": "2026-11-01"}).content
    assert b"at most three years" in browser.post(PAGE, {"since": "2016-11-02", "until": "2026-11-01"}).content
    browser.post(PAGE, {"since": "2026-11-01", "until": "2026-11-02"})
    assert b"already" in browser.post(PAGE, {"since": "2026-11-01", "until": "2026-11-03"}).content
    browser.post(PAGE, {"stop": "1"})
    browser.post(PAGE, {"since": "2026-11-01", "until": "2026-11-03"})
    assert list(MailboxBackfill.objects.order_by("pk").values_list("state", flat=True)) == ["stopped", "counting"]
