"""The same news of meetings through mail and calendar in the same moment."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connections

from activity.models import Activity, KnownMeeting, SyncJob
from activity.sources.meetings import take_meetings
from integrations.calendar.itip import read_calendar
from tests.integrations.calendar.invitations import BEN, NORA, calendar, event
from workspaces.models import Membership

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
THREADS = 6


def test_it_is_news_once_however_many_bring_it(ben_member: Membership) -> None:
    """Twenty meetings, each through mail and calendar, in batches of both orders."""
    uids = [f"uid-{number}" for number in range(20)]
    fields = {"organizer": NORA, "attendees": {BEN: "ACCEPTED"}}
    by_mail = [read_calendar(calendar("REPLY", event(uid=uid, **fields)), now=NOW) for uid in uids]
    entries = [read_calendar(calendar(None, event(uid=uid, **fields)), now=NOW) for uid in uids]
    together, faults = threading.Barrier(THREADS), []

    def bring(number: int) -> None:
        is_mail = number % 2 == 0
        messages = by_mail if is_mail else entries[::-1]
        seen = [replace(each, sender=BEN, seen_at=NOW) for each in messages]
        together.wait()
        try:
            take_meetings(ben_member, [BEN], seen, "mail" if is_mail else "calendar")
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=bring, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert faults == []
    assert KnownMeeting.objects.count() == Activity.objects.count() == SyncJob.objects.count() == len(uids)
