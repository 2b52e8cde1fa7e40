"""A watcher that is killed at any moment loses nothing and takes nothing up twice (see tests/faults/mailboxes.py)."""

import os
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection as database

from activity.models import Activity
from integrations.models import Connection
from tests.activity.mail_watch.watched import connect_mailbox
from tests.faults.mailboxes import Harm, batter
from tests.mailbox_fixtures import Dovecot, needs_dovecot
from workspaces.models import Membership

KILLS, MESSAGES = int(os.environ.get("MAILBOX_KILLS", "3")), int(os.environ.get("MAILBOX_MESSAGES", "60"))


def environment(dovecot: Dovecot) -> dict[str, str]:
    """That of a process of its own on the database of the tests."""
    url = urlsplit(django_settings.DATABASE_URL)._replace(path=f"/{database.settings_dict['NAME']}").geturl()
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": url,
        "MAILBOX_EXTRA_HOSTS": dovecot.extra_host,
        "MAILBOX_CA_BUNDLE": str(dovecot.ca_bundle),
        "MAILBOX_LEASE": "1.5",
    }


@needs_dovecot
@pytest.mark.django_db(transaction=True)
def test_a_killed_watcher_loses_and_doubles_nothing(
    dovecot: Dovecot, bens_connection: Connection, ben_member: Membership, figure: Callable[[str], None]
) -> None:
    connect_mailbox(ben_member, dovecot, "killed")
    captured = Activity.objects.values_list("message__message_id", flat=True)

    harm = batter(dovecot, "killed", environment(dovecot), captured.all, kills=KILLS, messages=MESSAGES)

    figure(
        f"mailbox watcher killed: {harm.kills} times, messages {harm.messages}, "
        f"lost {len(harm.lost)}, captured twice {len(harm.doubled)}"
    )
    assert harm == Harm([], [], KILLS, MESSAGES)
