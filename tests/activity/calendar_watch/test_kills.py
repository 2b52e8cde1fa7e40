"""A poller that is killed at any moment loses nothing and takes nothing up twice.

CALENDAR_KILLS and CALENDAR_ENTRIES in the environment make it longer.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection as database

from activity.models import Activity
from integrations.models import Connection
from tests.activity.calendar_watch.polled import connect_calendar
from tests.activity.mail_watch.watched import wait_for
from tests.calendar_fixtures import Radicale, entry, event, next_day
from tests.processes import ROOT
from workspaces.models import Membership

KILLS, ENTRIES = int(os.environ.get("CALENDAR_KILLS", "3")), int(os.environ.get("CALENDAR_ENTRIES", "60"))


def start(radicale: Radicale) -> "subprocess.Popen[bytes]":
    """A process of its own on the database of the tests."""
    url = urlsplit(django_settings.DATABASE_URL)._replace(path=f"/{database.settings_dict['NAME']}").geturl()
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": url,
        "MAILBOX_EXTRA_HOSTS": radicale.extra_host,
        "MAILBOX_CA_BUNDLE": str(radicale.ca_bundle),
        "MAILBOX_LEASE": "1.5",
        "CALENDAR_POLL": "0.3",
    }
    command = [sys.executable, "manage.py", "watch_mailboxes"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)


def change(radicale: Radicale, user: str, numbers: range) -> None:
    """Meetings are made, and a third of them is moved, some while the process works."""
    for number in numbers:
        radicale.put(user, f"e{number}", entry(event(f"e{number}", next_day(3))))
        if number >= 3 and number % 3 == 1:
            radicale.put(user, f"e{number - 3}", entry(event(f"e{number - 3}", next_day(5), sequence=1)))
        time.sleep(2.0 / len(numbers))


@pytest.mark.django_db(transaction=True)
def test_a_killed_poller_loses_and_doubles_nothing(
    radicale: Radicale, bens_connection: Connection, ben_member: Membership
) -> None:
    user, chance = radicale.new_user(), random.Random(1)
    radicale.make_calendar(user)
    connect_calendar(ben_member, radicale, user)
    for number in range(KILLS):
        process, before = start(radicale), Activity.objects.count()
        share = range(ENTRIES * number // KILLS, ENTRIES * (number + 1) // KILLS)
        people = threading.Thread(target=change, args=(radicale, user, share))
        people.start()
        wait_for("work", lambda before=before: Activity.objects.count() > before, limit=30)
        time.sleep(chance.random() * 0.6)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        people.join()
    process = start(radicale)
    uids = {f"e{number}" for number in range(ENTRIES)}
    moved = {f"e{number - 3}" for number in range(3, ENTRIES) if number % 3 == 1}
    confirmed = Activity.objects.filter(kind="meeting_confirmed")
    try:
        wait_for("all of them", lambda: uids <= set(confirmed.values_list("meeting__uid", flat=True)), limit=60)
        wait_for("the moves", lambda: starts(moved) == {next_day(5)}, limit=30)
        time.sleep(1)
    finally:
        process.terminate()
        process.wait(30)

    counts = Counter(confirmed.values_list("meeting__uid", flat=True))
    assert {uid for uid, count in counts.items() if count > 1} <= moved
    assert max(counts.values()) <= 2
    assert starts(uids - moved) == {next_day(3)}
    assert Activity.objects.exclude(kind="meeting_confirmed").count() == 0


def starts(uids: set[str]) -> set:
    """When these meetings begin, as they are known."""
    rows = Activity.objects.filter(meeting__uid__in=uids)
    return set(rows.values_list("meeting__start", flat=True))
