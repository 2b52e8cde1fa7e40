"""The pages of the mailbox: the steps to connect one, its card, its end. The mail server is a real one."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integrations import mailbox_leases, mailboxes
from integrations.mailbox.errors import LoginRefused, MailboxError
from integrations.mailbox_log_ins import LogIn
from integrations.models import Mailbox, MailboxState, NoticeSent
from tests.integrations.test_rotation import NEW_KEY
from tests.mailbox_fixtures import PASSWORD, Dovecot, needs_dovecot
from tests.people import log_in
from workspaces import members
from workspaces.models import AuditEntry, Membership, User

PAGE = "/w/acme/settings/integrations/"
CONNECT = f"{PAGE}mailbox/"


@pytest.fixture
def browser(ben: User):
    return log_in(ben)


def form(dovecot: Dovecot, **changes: str) -> dict[str, str]:
    return {
        "address": "Ben@acme.example",
        "host": dovecot.extra_host,
        "user_name": "ben",
        "password": PASSWORD,
        "aliases": "sales@acme.example",
    } | changes


def test_the_provider_is_guessed_from_the_address(browser, ben_member: Membership) -> None:
    assert b'value="ben@acme.example"' in browser.get(CONNECT).content

    gmail = browser.get(CONNECT, {"address": "ben@gmail.com"}).content
    other = browser.get(CONNECT, {"address": "ben@acme.example"}).content

    assert b'value="imap.gmail.com"' in gmail
    assert b"Google wants an app password" in gmail
    assert b'value="imap.acme.example"' in other


@needs_dovecot
def test_a_mailbox_is_connected_shown_and_disconnected(browser, ben_member: Membership, dovecot: Dovecot) -> None:
    answer = browser.post(CONNECT, form(dovecot), follow=True)

    mailbox = Mailbox.objects.with_secrets().get()
    assert answer.redirect_chain == [(PAGE, 302)]
    assert (mailbox.membership, mailbox.address, mailbox.aliases, mailbox.state) == (
        ben_member,
        "ben@acme.example",
        ["sales@acme.example"],
        "connected",
    )
    assert PASSWORD not in mailbox.password_sealed
    assert sorted(mailbox.folders.values_list("name", "role")) == [("INBOX", "received"), (Dovecot.SENT, "sent")]
    assert b"Touchline is opening the mailbox" in answer.content
    assert ben_member.member_settings.sync_all_messages is True

    answer = browser.post(f"{CONNECT}disconnect/", follow=True)

    mailbox = Mailbox.objects.with_secrets().get()
    assert (mailbox.state, mailbox.password_sealed) == ("disconnected", "")
    assert b"Touchline has forgotten how to open it" in answer.content
    assert list(AuditEntry.objects.filter(action__startswith="mailbox.").values_list("action", "target")) == [
        ("mailbox.connected", "ben@acme.example"),
        ("mailbox.disconnected", "ben@acme.example"),
    ]


@needs_dovecot
def test_a_wrong_password_is_told_in_plain_words_and_stores_nothing(browser, ben_member, dovecot: Dovecot) -> None:
    answer = browser.post(CONNECT, form(dovecot, password="wrong"))

    assert b"The mail server does not accept this user name and password." in answer.content
    assert b"The server said: [AUTHENTICATIONFAILED]" in answer.content
    assert b"wrong" not in answer.content
    assert not Mailbox.objects.exists()


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("10.0.0.1", "belongs to a private network"),
        ("127.0.0.1", "belongs to a private network"),
        ("localhost", "belongs to a private network"),
        ("169.254.169.254", "belongs to a private network"),
        ("0.0.0.0", "belongs to a private network"),
        ("imap.example.com:143", "not the name of a server"),
        ("imap.example.com/path", "not the name of a server"),
        ("user@imap.example.com", "not the name of a server"),
        ("[::1]", "not the name of a server"),
    ],
)
def test_private_hosts_and_other_ports_are_refused(browser, ben_member, host: str, sentence: str) -> None:
    answer = browser.post(
        CONNECT, {"address": "ben@acme.example", "host": host, "user_name": "", "password": "p", "aliases": ""}
    )

    assert sentence in answer.content.decode()
    assert not Mailbox.objects.exists()


@needs_dovecot
def test_folders_are_chosen(browser, ben_member: Membership, dovecot: Dovecot) -> None:
    program = dovecot.client("folders")
    program.create("Customers/North")
    program.logout()
    browser.post(CONNECT, form(dovecot, user_name="folders"))

    page = browser.get(f"{CONNECT}folders/")
    names = [field.label for field in page.context["form"].visible_fields()]
    chosen = {
        field.html_name: {"INBOX": "received", "Customers/North": "received"}.get(field.label, "")
        for field in page.context["form"].visible_fields()
    }
    assert sorted(names) == ["Customers", "Customers/North", "INBOX", Dovecot.SENT] or sorted(names) == [
        "Customers/North",
        "INBOX",
        Dovecot.SENT,
    ]
    browser.post(f"{CONNECT}folders/", chosen)

    folders = Mailbox.objects.get().folders
    assert sorted(folders.values_list("name", "uidvalidity")) == [
        ("Customers/North", None),
        ("INBOX", folders.get(name="INBOX").uidvalidity),
    ]
    assert folders.get(name="INBOX").uidvalidity is not None

    nothing = browser.post(f"{CONNECT}folders/", dict.fromkeys(chosen, ""))
    assert b"Choose at least one folder" in nothing.content


@needs_dovecot
def test_each_state_has_its_sentence_and_its_button(browser, ben_member: Membership, dovecot: Dovecot) -> None:
    assert b"Connect mailbox" in browser.get(PAGE).content
    browser.post(CONNECT, form(dovecot, user_name="states"))
    mailbox = Mailbox.objects.get()
    Mailbox.objects.update(lease_holder="watcher")

    mailboxes.note_trouble(mailbox.pk, "another", mailboxes.OurFault())
    assert b"Not reached" not in browser.get(PAGE).content

    mailboxes.note_trouble(mailbox.pk, "watcher", mailboxes.OurFault())
    page = browser.get(PAGE).content
    assert b"Not reached" in page
    assert b"Something went wrong on our side" in page

    browser.post(f"{CONNECT}try-again/")
    Mailbox.objects.update(lease_holder="watcher")
    mailboxes.note_trouble(mailbox.pk, "watcher", LoginRefused(server_text="<b>no</b>"))
    page = browser.get(PAGE).content
    assert b"The mail server refuses the password" in page
    assert b"The server said: &lt;b&gt;no&lt;/b&gt;" in page
    assert b"Reconnect" in page
    assert [each.key for each in NoticeSent.objects.all()] == [f"mailbox:{mailbox.pk}:password"]

    browser.post(CONNECT, form(dovecot, user_name="states"))
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.cause, mailbox.failures) == (MailboxState.CONNECTED, "", 0)
    assert Mailbox.objects.count() == 1

    mailboxes.pause(ben_member)
    assert b"is switched off, so nothing is read" in browser.get(PAGE).content


@needs_dovecot
def test_a_member_who_leaves_leaves_no_password(browser, ben_member: Membership, dovecot: Dovecot) -> None:
    browser.post(CONNECT, form(dovecot))
    members.remove(ben_member, by=None)

    assert Mailbox.objects.with_secrets().get().password_sealed == ""


@needs_dovecot
def test_who_was_removed_while_the_log_in_was_tested_connects_nothing(
    ben_member: Membership, dovecot: Dovecot
) -> None:
    host, _, port = dovecot.extra_host.partition(":")
    members.remove(Membership.objects.get(pk=ben_member.pk), by=None)

    with pytest.raises(MailboxError) as error:
        mailboxes.connect(ben_member, LogIn("ben@acme.example", host, "ben", PASSWORD, int(port)))

    assert error.value.user_message == "You are no member of this workspace any more. Nothing was connected."
    assert not Mailbox.objects.exists()


@needs_dovecot
def test_the_mailbox_of_who_was_shut_out_is_not_opened(browser, ben: User, dovecot: Dovecot) -> None:
    """Nothing would be captured of it, and what came meanwhile would be passed over."""
    browser.post(CONNECT, form(dovecot))
    mailbox = Mailbox.objects.get()
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert mailbox_leases.take("holder", 9) == []

    User.objects.filter(pk=ben.pk).update(is_active=True)
    assert mailbox_leases.take("holder", 9) == [mailbox.pk]
    User.objects.filter(pk=ben.pk).update(is_active=False)
    assert mailbox_leases.keep("holder") == set()


def test_log_ins_are_not_tried_without_end(browser, cleo_member: Membership) -> None:
    """Else our pages would try passwords at others' servers for anybody."""
    wrong = {"address": "ben@acme.example", "host": "10.0.0.1", "user_name": "", "password": "x", "aliases": ""}
    calendar = {"url": "https://10.0.0.1/", "user_name": "ben", "password": "x"}
    said = "You have tried this 20 times within ten minutes."
    pages = [browser.post(CONNECT, wrong).content.decode() for _ in range(21)]

    assert [said in page for page in pages] == [False] * 20 + [True]
    assert said in browser.post(f"{PAGE}calendar/", calendar, follow=True).content.decode()
    begun = browser.post(f"{CONNECT}sign-in/", wrong | {"provider": "google"}, follow=True)
    assert said in begun.content.decode()
    assert said in browser.post(f"{PAGE}salesforce/begin/", follow=True).content.decode()
    theirs = log_in(cleo_member.user).post("/w/globex/settings/integrations/mailbox/", wrong).content.decode()
    assert said not in theirs
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        assert said not in browser.post(CONNECT, wrong).content.decode()


@needs_dovecot
def test_another_mailbox_takes_the_place_of_the_first(browser, ben_member: Membership, dovecot: Dovecot) -> None:
    browser.post(CONNECT, form(dovecot))
    browser.post(CONNECT, form(dovecot, address="ben.franklin@acme.example", user_name="franklin"))

    rows = Mailbox.objects.with_secrets().order_by("pk")
    assert [(each.address, each.state, bool(each.password_sealed)) for each in rows] == [
        ("ben@acme.example", "disconnected", False),
        ("ben.franklin@acme.example", "connected", True),
    ]


@needs_dovecot
def test_without_its_key_a_mailbox_needs_attention(
    browser, ben_member: Membership, dovecot: Dovecot, settings
) -> None:
    dovecot.client("sealed").logout()
    browser.post(CONNECT, form(dovecot, user_name="sealed"))
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY

    answer = browser.get(f"{CONNECT}folders/", follow=True)

    assert answer.redirect_chain == [(PAGE, 302)]
    assert b"because the key to it is missing" in answer.content
    assert b"Touchline cannot open the stored log-in" in answer.content
    assert (Mailbox.objects.get().state, Mailbox.objects.get().cause) == ("needs_attention", "sealed")
    browser.post(CONNECT, form(dovecot, user_name="sealed"))
    assert (Mailbox.objects.get().state, browser.get(f"{CONNECT}folders/").status_code) == ("connected", 200)
