"""Real mail in a real server is logged: the whole way but for the browser."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from activity.mail_watch.watcher import Watcher
from activity.models import Activity, SyncJob
from activity.own_settings import save_sync_all
from integrations import mailboxes
from integrations.models import Connection, Mailbox
from tests.activity.stories import NORA, log
from tests.mailbox_fixtures import PASSWORD, Dovecot, letter, needs_dovecot
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]
LIMIT = 10.0


def wait_for(what: str, happened: Callable[[], object], limit: float = LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not come within {limit} s"
        time.sleep(0.05)


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    """A watcher in threads of this process; signals are the command's."""
    made = Watcher(room=50)
    thread = threading.Thread(target=made.watch)
    thread.start()
    yield made
    made.stop()
    thread.join()


def connect_mailbox(member: Membership, dovecot: Dovecot, user_name: str = "ben") -> Mailbox:
    save_sync_all(member, True)
    return mailboxes.connect(
        member,
        mailboxes.LogIn(member.user.email, dovecot.host, user_name, PASSWORD, dovecot.port),
    )


def activities() -> list[tuple[str, str]]:
    return list(Activity.objects.order_by("pk").values_list("kind", "message__message_id"))


def test_mail_sent_by_another_program_becomes_a_task_and_its_answer_a_reply(
    dovecot: Dovecot,
    bens_connection: Connection,
    ben_member: Membership,
    salesforce: TestedStandIn,
    watcher: Watcher,
) -> None:
    mailbox = connect_mailbox(ben_member, dovecot)
    wait_for("the watcher", lambda: dovecot.connections_of("ben") == 2)
    dovecot.put("ben", dovecot.SENT, letter(1))
    wait_for("the sent mail", lambda: Activity.objects.count() == 1)
    dovecot.put("ben", "INBOX", letter(2, answers="m1@acme.example", From=f"Nora <{NORA}>", To="ben@acme.example"))
    wait_for("the reply", lambda: Activity.objects.count() == 2)
    log(bens_connection)

    assert activities() == [
        ("sent", "m1@acme.example"),
        ("replied", "m2@acme.example"),
    ]
    assert list(SyncJob.objects.order_by("pk").values_list("state", "reason")) == [("synced", ""), ("synced", "")]
    mailbox.refresh_from_db()
    assert mailbox.messages_read == 2
