"""What the tests of the watcher share: a mailbox, a watcher in threads of this process, and waiting."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from activity.mail_watch.watcher import Watcher
from activity.models import Activity
from activity.own_settings import save_sync_all
from integrations import mailboxes
from integrations.models import Mailbox, MailboxFolder
from tests.mailbox_fixtures import PASSWORD, Dovecot
from workspaces.models import Membership

LIMIT = 10.0


def wait_for(what: str, happened: Callable[[], object], limit: float = LIMIT) -> None:
    """Ask until it happened; fails after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not come within {limit} s"
        time.sleep(0.05)


@contextmanager
def watching() -> Iterator[Watcher]:
    """A watcher, until the block ends."""
    made = Watcher(room=50)
    thread = threading.Thread(target=made.watch)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join()


def connect_mailbox(member: Membership, dovecot: Dovecot, user_name: str, **changes) -> Mailbox:
    """The member's mailbox, connected as the page does it."""
    save_sync_all(member, True)
    values = {"address": member.user.email, "host": dovecot.host, "user_name": user_name, "port": dovecot.port}
    return mailboxes.connect(member, mailboxes.LogIn(**(values | {"password": PASSWORD} | changes)))


def is_read(mailbox: Mailbox, **next_uids: int) -> bool:
    """Whether the folders (`inbox`, `sent`) were read up to these uids."""
    names = {"inbox": "INBOX", "sent": Dovecot.SENT}
    rows = dict(MailboxFolder.objects.filter(mailbox=mailbox).values_list("name", "next_uid"))
    return all(rows[names[each]] == uid for each, uid in next_uids.items())


def activities() -> list[tuple[str, str]]:
    """Kind and Message-ID of every activity, in their order."""
    return list(Activity.objects.order_by("pk").values_list("kind", "message__message_id"))
