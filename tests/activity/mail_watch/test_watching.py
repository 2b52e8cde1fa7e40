"""Real mail in a real server is logged: the whole way but for the browser."""

import socket
import time

import pytest
from django.core import mail as outbox

from activity.exclusions import add_personal
from activity.models import Activity, ExclusionKind, Message, SyncJob
from activity.own_settings import save_sync_all
from activity.sources.api import accept
from integrations import mailboxes
from integrations.models import Connection, Mailbox, MailboxFolder, QuarantinedMail
from tests.activity.mail_watch.watched import activities, connect_mailbox, is_read, wait_for, watching
from tests.activity.stories import NORA, PETER, log
from tests.integrations.mailbox.bombs import nested
from tests.integrations.mailbox.test_oddities import NORA as FAILED_NORA
from tests.integrations.mailbox.test_oddities import ORIGINAL, delivery_report
from tests.mailbox_fixtures import Dovecot, letter, needs_dovecot
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]
FROM_NORA = {"From": f"Nora West <{NORA}>", "To": "ben@acme.example"}


def test_mail_sent_from_a_phone_becomes_a_task_and_its_answer_a_reply(
    dovecot: Dovecot, bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    mailbox = connect_mailbox(ben_member, dovecot, "ben")
    with watching():
        wait_for("the watcher", lambda: dovecot.connections_of("ben") == 2)
        dovecot.send(letter(1), "ben@acme.example", [NORA])
        wait_for("the sent mail", lambda: Activity.objects.count() == 1)
        dovecot.send(letter(2, answers="m1@acme.example", **FROM_NORA), NORA, ["ben@acme.example"])
        wait_for("the reply", lambda: Activity.objects.count() == 2)
    log(bens_connection)

    assert activities() == [("sent", "m1@acme.example"), ("replied", "m2@acme.example")]
    assert list(SyncJob.objects.order_by("pk").values_list("state", "reason")) == [("synced", ""), ("synced", "")]
    mailbox.refresh_from_db()
    assert (mailbox.messages_read, mailbox.lease_holder) == (2, "")


def test_every_kind_of_mail_gets_what_is_due_to_it(
    dovecot: Dovecot, bens_connection: Connection, ben_member: Membership
) -> None:
    """Read after the fact, sent mail first: kind, row, and whether a text was kept."""
    add_personal(ben_member, ExclusionKind.ADDRESS, "doctor@clinic.example")
    mailbox = connect_mailbox(ben_member, dovecot, "kinds", aliases=("sales@acme.example",))
    dovecot.put(
        "kinds",
        dovecot.SENT,
        letter(1),
        letter(2, To="ada@acme.example"),
        letter(3, To="stranger@nowhere.example"),
        letter(4, To="doctor@clinic.example"),
        letter(5, From="sales@acme.example"),
    )
    dovecot.put(
        "kinds",
        "INBOX",
        letter(1),
        letter(10, answers="m1@acme.example", **FROM_NORA),
        letter(11, References="<m0@x> <m1@acme.example> <m10@x>", **FROM_NORA),
        letter(12, answers="m1@acme.example", Auto_Submitted="auto-replied", **FROM_NORA),
        letter(13, **FROM_NORA),
        letter(14, From="noreply@northwindtraders.example", To="ben@acme.example"),
        letter(15, From="sales@acme.example", To=PETER),
        nested(30).replace(b"eve@evil.example", NORA.encode()),
        b"Subject: from nobody\r\n\r\n",
        delivery_report(FAILED_NORA.replace(b"nora@x.example", NORA.encode()), original=ORIGINAL),
        letter(16, **FROM_NORA),
    )
    with watching():
        wait_for("everything", lambda: is_read(mailbox, sent=6, inbox=12))

    rows = SyncJob.objects.order_by("pk").values_list(
        "activity__kind", "activity__message__message_id", "recipient", "state", "reason"
    )
    found = [(kind, message.partition("@")[0], *more) for kind, message, *more in rows]
    assert sorted(found, key=lambda row: int(row[1][1:])) == [
        ("sent", "m1", NORA, "waiting", ""),
        ("bounced", "m1", NORA, "waiting", ""),
        ("sent", "m2", "", "skipped", "internal"),
        ("sent", "m3", "stranger@nowhere.example", "waiting", ""),
        ("sent", "m4", "doctor@clinic.example", "skipped", "kept_private"),
        ("sent", "m5", NORA, "waiting", ""),
        ("replied", "m10", NORA, "waiting", ""),
        ("replied", "m11", NORA, "waiting", ""),
        ("received", "m12", NORA, "waiting", ""),
        ("received", "m13", NORA, "waiting", ""),
        ("received", "m14", "noreply@northwindtraders.example", "skipped", "excluded"),
        ("sent", "m15", PETER, "waiting", ""),
        ("received", "m16", NORA, "waiting", ""),
    ]
    with_text = Message.objects.exclude(text="").values_list("message_id", flat=True)
    assert sorted(each.partition("@")[0] for each in with_text) == [
        "m1", "m10", "m11", "m12", "m13", "m15", "m16", "m5",
    ]  # fmt: skip
    assert list(QuarantinedMail.objects.order_by("uid").values_list("uid", "reason")) == [
        (8, "too_deep"),
        (9, "no_sender"),
    ]


def test_switched_off_and_disconnected_the_connections_are_closed_at_once(
    dovecot: Dovecot, ben_member: Membership
) -> None:
    mailbox = connect_mailbox(ben_member, dovecot, "off")
    with watching():
        wait_for("the watcher", lambda: dovecot.connections_of("off") == 2)
        save_sync_all(ben_member, False)
        wait_for("the end of the connections", lambda: dovecot.connections_of("off") == 0, limit=5)
        dovecot.put("off", dovecot.SENT, letter(1))
        save_sync_all(ben_member, True)
        wait_for("the watcher", lambda: is_read(mailbox, sent=2))
        dovecot.put("off", dovecot.SENT, letter(2))
        wait_for("the second mail", lambda: Activity.objects.count() == 1)
        mailboxes.disconnect(mailboxes.mailbox_of(ben_member), by=None)
        wait_for("the end of the connections", lambda: dovecot.connections_of("off") == 0, limit=5)

    assert activities() == [("sent", "m2@acme.example")]


def test_a_refused_password_is_tried_once_and_told_once(dovecot: Dovecot, ben_member: Membership) -> None:
    mailbox = connect_mailbox(ben_member, dovecot, "refused")
    Mailbox.objects.with_secrets().filter(pk=mailbox.pk).update(user_name="%invalid")
    with watching():
        wait_for("the trouble", lambda: Mailbox.objects.get().state == "needs_attention")
        time.sleep(2.5)

    log_lines = (dovecot.folder / "dovecot.log").read_text().splitlines()
    mailbox.refresh_from_db()
    assert (mailbox.cause, mailbox.lease_holder) == ("password", "")
    assert [letter.subject for letter in outbox.outbox] == ["Your mailbox ben@acme.example needs attention"]
    assert len([line for line in log_lines if "user=<%invalid>" in line or "%invalid" in line]) <= 2


def test_a_dead_server_delays_nobody_and_is_tried_later(
    dovecot: Dovecot, ben_member: Membership, ada_member: Membership, settings
) -> None:
    connect_mailbox(ben_member, dovecot, "alive")
    dead_mailbox = connect_mailbox(ada_member, dovecot, "dead")
    with socket.create_server(("127.0.0.1", 0)) as dead:  # takes connections and never says a word
        port = dead.getsockname()[1]
        settings.MAILBOX_EXTRA_HOSTS |= {f"localhost:{port}"}
        Mailbox.objects.filter(pk=dead_mailbox.pk).update(port=port)
        with watching():
            wait_for("the watcher", lambda: dovecot.connections_of("alive") == 2)
            dovecot.put("alive", dovecot.SENT, letter(1))
            wait_for("the sent mail", lambda: Activity.objects.count() == 1)


def test_a_server_that_is_away_is_waited_for(dovecot: Dovecot, ben_member: Membership, settings) -> None:
    mailbox = connect_mailbox(ben_member, dovecot, "away")
    settings.MAILBOX_EXTRA_HOSTS |= {"localhost:1"}
    Mailbox.objects.filter(pk=mailbox.pk).update(port=1)
    with watching():
        wait_for("the trouble", lambda: Mailbox.objects.get().failures == 1)
        Mailbox.objects.filter(pk=mailbox.pk).update(port=dovecot.port, retry_at=None)
        wait_for("the watcher", lambda: Mailbox.objects.get().failures == 0)
    mailbox.refresh_from_db()

    assert (mailbox.state, mailbox.failing_since, mailbox.failure_text) == ("connected", None, "")
    assert outbox.outbox == []


def test_a_server_that_numbers_its_mail_anew_loses_and_doubles_nothing(
    dovecot: Dovecot, ben_member: Membership
) -> None:
    mailbox = connect_mailbox(ben_member, dovecot, "anew")
    dovecot.put("anew", dovecot.SENT, letter(1))
    with watching():
        wait_for("the first mail", lambda: is_read(mailbox, sent=2))
    MailboxFolder.objects.filter(name=dovecot.SENT).update(uidvalidity=1, next_uid=99)
    dovecot.put("anew", dovecot.SENT, letter(2))
    with watching():
        wait_for("the second mail", lambda: is_read(mailbox, sent=3))

    assert activities() == [("sent", "m1@acme.example"), ("sent", "m2@acme.example")]


def test_a_bounce_that_is_reported_over_the_api_too_is_one(dovecot: Dovecot, ben_member: Membership) -> None:
    bounce = delivery_report(FAILED_NORA.replace(b"nora@x.example", NORA.encode()), original=ORIGINAL)
    mailbox = connect_mailbox(ben_member, dovecot, "bounced")
    dovecot.put("bounced", dovecot.SENT, letter(1))
    dovecot.put("bounced", "INBOX", bounce)
    with watching():
        wait_for("the bounce", lambda: is_read(mailbox, sent=2, inbox=2))
    mail = {"message_id": "m1@acme.example", "subject": "Offer", "from": {"email": "ben@acme.example"}}
    common = {"user": "ben@acme.example", "type": "bounced", "occurred_at": "2026-11-20T13:00:00Z"}
    items = [
        common | {"id": "named", "recipient": NORA, "message": mail | {"to": [{"email": NORA}]}},
        common | {"id": "plain", "message": mail | {"to": [{"email": NORA}]}},
        common | {"id": "other", "recipient": PETER, "message": mail | {"to": [{"email": NORA}, {"email": PETER}]}},
    ]

    answers = [[result.status for result in accept(ben_member.workspace, items)] for _ in range(2)]

    assert answers == [["duplicate", "duplicate", "accepted"], ["duplicate"] * 3]
    assert [row for row in activities() if row[0] == "bounced"] == [("bounced", "m1@acme.example")] * 2


def test_a_report_that_is_found_again_is_one_bounce(dovecot: Dovecot, ben_member: Membership) -> None:
    """Its owner moved it, and the server gave it another number."""
    bounce = delivery_report(FAILED_NORA.replace(b"nora@x.example", NORA.encode()), original=ORIGINAL)
    mailbox = connect_mailbox(ben_member, dovecot, "bounce")
    dovecot.put("bounce", dovecot.SENT, letter(1))
    dovecot.put("bounce", "INBOX", bounce)
    with watching():
        wait_for("the bounce", lambda: is_read(mailbox, sent=2, inbox=2))
        dovecot.put("bounce", "INBOX", bounce)
        wait_for("the same again", lambda: is_read(mailbox, sent=2, inbox=3))

    assert activities() == [("sent", "m1@acme.example"), ("bounced", "m1@acme.example")]
    assert not QuarantinedMail.objects.exists()


def test_two_watchers_share_the_mailboxes(dovecot: Dovecot, ben_member: Membership, ada_member: Membership) -> None:
    connect_mailbox(ben_member, dovecot, "shared1")
    connect_mailbox(ada_member, dovecot, "shared2")
    with watching(), watching():
        for user in ("shared1", "shared2"):
            wait_for("the watchers", lambda user=user: dovecot.connections_of(user) == 2)
        time.sleep(1.5)
        assert [dovecot.connections_of(user) for user in ("shared1", "shared2")] == [2, 2]
