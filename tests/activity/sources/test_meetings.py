"""Meetings from invitations and answers become one Event each, and stay right."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from activity.models import SyncJob
from activity.sources.meetings import take_meetings
from integrations.calendar.itip import read_calendar
from integrations.models import Connection
from tests.activity.stories import NORA, log
from tests.integrations.calendar.invitations import BEN, calendar, event
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACCEPTED = {NORA: "ACCEPTED"}


def got(member: Membership, sender: str, data: bytes, seen_in: str = "mail") -> list[str]:
    """The member's mail or calendar brought this: the status of each activity that came of it."""
    message = replace(read_calendar(data, now=NOW), sender=sender, seen_at=NOW)
    return [result.status for result in take_meetings(member, [member.user.email], [message], seen_in)]


def events(salesforce: TestedStandIn) -> list[tuple[str, str, str]]:
    """Subject, beginning and ShowAs of every Event in Salesforce."""
    return [(row["Subject"], row["StartDateTime"][:16], row["ShowAs"]) for row in salesforce.org.rows("Event")]


def invited_by_nora(*lines: str, **changes) -> bytes:
    """Nora asks Ben to come."""
    return calendar("REQUEST", event(*lines, **{"organizer": NORA, "attendees": {BEN: "NEEDS-ACTION"}} | changes))


def answered_by_ben(said: str, **changes) -> bytes:
    """Ben's answer to Nora."""
    return calendar("REPLY", event(**{"organizer": NORA, "attendees": {BEN: said}, "minute": 5} | changes))


# --- Our own invitations ----------------------------------------------------------------------------------


def test_one_event_from_the_invitation_to_its_end(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    assert got(ben_member, BEN, calendar("REQUEST", event())) == []
    assert got(ben_member, NORA, calendar("REPLY", event(attendees=ACCEPTED, minute=5))) == ["accepted"]
    log(bens_connection)
    [first] = [dict(row) for row in salesforce.org.rows("Event")]
    confirmed = events(salesforce)
    assert got(ben_member, BEN, calendar("REQUEST", event(sequence=1, minute=10, hour=16))) == ["accepted"]
    log(bens_connection)
    moved = events(salesforce)
    assert got(ben_member, BEN, calendar("CANCEL", event("STATUS:CANCELLED", sequence=2, minute=20))) == ["accepted"]
    log(bens_connection)

    assert confirmed == [("Meeting Confirmed: Demo", "2026-11-25T14:00", "Busy")]
    assert moved == [("Meeting Confirmed: Demo", "2026-11-25T16:00", "Busy")]
    assert events(salesforce) == [("Meeting Canceled: Demo", "2026-11-25T16:00", "Free")]
    assert (first["EndDateTime"][:16], first["Location"]) == ("2026-11-25T15:00", "Room 1")
    assert first["WhoId"] == SyncJob.objects.order_by("pk")[0].person_id != ""
    assert salesforce.org.rows("Event")[0]["Id"] == first["Id"]
