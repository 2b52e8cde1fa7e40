"""Mail with people who appear in Salesforce later is logged with its text, which is fetched from the mailbox then."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import DueJob, Message, WantedText
from activity.own_settings import save_sync_all
from activity.repair import relink
from activity.settings import save_settings
from integrations.models import Connection, Mailbox, MailboxFolder
from integrations.signals import records_changed
from tests.activity.mail_watch.watched import connect_mailbox, is_read, wait_for, watching
from tests.activity.pipeline.test_late import NOBODY, STRANGER, SYNCED, found
from tests.activity.stories import log, states
from tests.mailbox_fixtures import Dovecot, letter, needs_dovecot
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]
Appear = Callable[[], None]


@pytest.fixture
def mailbox(dovecot: Dovecot, bens_connection: Connection, ben_member: Membership) -> Mailbox:
    """Ben's, with a mail to a stranger that was read and has nobody in Salesforce. Nobody watches it now."""
    user = f"late{Mailbox.objects.count()}{timezone.now():%H%M%S%f}"
    mailbox = connect_mailbox(ben_member, dovecot, user)
    dovecot.put(user, dovecot.SENT, letter(1, To=STRANGER, text="Good to meet you.\n"))
    with watching():
        wait_for("the mail", lambda: is_read(mailbox, sent=2))
    log(bens_connection)
    assert states() == [NOBODY]
    assert Message.objects.get().text == ""
    return mailbox


@pytest.fixture
def appear(salesforce: TestedStandIn, bens_connection: Connection) -> Appear:
    """Lets the stranger appear in Salesforce, and Touchline hear of it."""

    def do() -> None:
        contact = salesforce.org.add("Contact", LastName="Stranger", Email=STRANGER)
        records_changed.send(type(bens_connection.org), org=bens_connection.org, people=[found(id=contact)])

    return do


def description(salesforce: TestedStandIn) -> str:
    """Of the one Task."""
    (task,) = salesforce.org.rows("Task")
    return task["Description"]


def is_due() -> bool:
    return DueJob.objects.filter(due_at__lte=timezone.now()).exists()


def test_the_text_is_fetched_before_the_mail_is_logged(
    mailbox: Mailbox, appear: Appear, bens_connection: Connection, salesforce: TestedStandIn
) -> None:
    appear()
    log(bens_connection)
    assert states() == [("waiting", "")]  # for its text
    with watching():
        wait_for("the text", lambda: not WantedText.objects.exists())
    log(bens_connection)

    assert states() == [SYNCED]
    assert "Good to meet you." in description(salesforce)


def test_a_click_waits_for_the_text_too(
    mailbox: Mailbox, bens_connection: Connection, salesforce: TestedStandIn, ben_member: Membership
) -> None:
    contact = salesforce.org.add("Contact", LastName="Stranger", Email="another@address.example")
    relink(ben_member.sync_jobs.get(), contact, ben_member.user)
    with watching():
        wait_for("the text", lambda: not WantedText.objects.exists())
    log(bens_connection)

    assert states() == [SYNCED]
    assert "Good to meet you." in description(salesforce)


def test_a_mail_that_is_gone_is_logged_without_its_text(
    mailbox: Mailbox, appear: Appear, bens_connection: Connection, salesforce: TestedStandIn, dovecot: Dovecot
) -> None:
    program = dovecot.client(mailbox.user_name)
    program.select(f'"{dovecot.SENT}"')
    program.store("1", "+FLAGS", "\\Deleted")
    program.expunge()
    program.logout()
    appear()
    with watching():
        wait_for("the end of the search", lambda: not WantedText.objects.exists())
    log(bens_connection)

    assert states() == [SYNCED]
    assert "Good to meet you." not in description(salesforce)


@pytest.mark.parametrize("change", [{"uidvalidity": 1}, {"name": "Gone"}], ids=["numbered anew", "a folder is gone"])
def test_another_mail_is_not_taken_for_it(
    mailbox: Mailbox, appear: Appear, bens_connection: Connection, salesforce: TestedStandIn, change: dict
) -> None:
    appear()
    if "uidvalidity" in change:
        wanted = WantedText.objects.get()
        folder, _, uid = wanted.source_id.split("-")
        WantedText.objects.update(source_id=f"{folder}-1-{uid}")
    else:
        MailboxFolder.objects.filter(name=Dovecot.SENT).delete()
    with watching():
        wait_for("the end of the search", lambda: not WantedText.objects.exists())
    log(bens_connection)

    assert states() == [SYNCED]
    assert "Good to meet you." not in description(salesforce)


def test_a_text_that_nobody_brings_is_not_waited_for_longer(
    mailbox: Mailbox, appear: Appear, bens_connection: Connection
) -> None:
    appear()
    due = DueJob.objects.get()
    assert timedelta(minutes=9) < due.due_at - timezone.now() <= timedelta(minutes=10)
    DueJob.objects.update(due_at=timezone.now())
    log(bens_connection)

    assert states() == [SYNCED]


def test_who_reads_no_mailbox_is_not_waited_for(mailbox: Mailbox, appear: Appear, ben_member: Membership) -> None:
    save_sync_all(ben_member, False)
    appear()

    assert is_due()
    assert not WantedText.objects.exists()


def test_a_role_without_texts_fetches_none(mailbox: Mailbox, appear: Appear, ben_member: Membership) -> None:
    save_settings(ben_member.role, {"body": "none"}, ben_member.user)
    appear()

    assert is_due()
    assert not WantedText.objects.exists()
