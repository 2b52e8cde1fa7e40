"""Meetings from invitations and answers become one Event each, and stay right."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from activity.erasure import erase_address
from activity.exclusions import add_personal
from activity.models import Activity, ExclusionKind, KnownMeeting, Meeting, SyncJob
from activity.retention import forget_old
from activity.sources.meetings import take_meetings
from activity.sources.meetings.taking import log_next_instances
from integrations.calendar.itip import read_calendar
from integrations.models import Connection, SalesforceOrg
from tests.activity.conftest import Clock
from tests.activity.stories import NADIA, NORA, PETER, log, meeting, report, states
from tests.integrations.calendar.invitations import BEN, calendar, event
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACCEPTED, DECLINED = {NORA: "ACCEPTED"}, {NORA: "DECLINED"}


@pytest.fixture(autouse=True)
def _today(clock: Clock) -> None:
    """The tests take place on 20 November 2026."""
    clock.traveller.move_to(NOW)


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


def test_a_decline_takes_the_confirmation_back(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    got(ben_member, BEN, calendar("REQUEST", event()))
    got(ben_member, NORA, calendar("REPLY", event(attendees=ACCEPTED, minute=5)))
    log(bens_connection)
    got(ben_member, NORA, calendar("REPLY", event(attendees=DECLINED, minute=9)))
    log(bens_connection)
    declined = events(salesforce)
    got(ben_member, NORA, calendar("REPLY", event(attendees=ACCEPTED, minute=12)))
    log(bens_connection)

    assert declined == [("Meeting Canceled: Demo", "2026-11-25T14:00", "Free")]
    assert events(salesforce) == [("Meeting Confirmed: Demo", "2026-11-25T14:00", "Busy")]


def test_who_declines_or_is_uninvited_loses_their_event_and_the_others_keep_theirs(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    three = {NORA: "NEEDS-ACTION", NADIA: "NEEDS-ACTION", PETER: "NEEDS-ACTION"}
    got(ben_member, BEN, calendar("REQUEST", event(attendees=three)))
    got(ben_member, NORA, calendar("REPLY", event(attendees=ACCEPTED, minute=5)))
    log(bens_connection)
    got(ben_member, NADIA, calendar("REPLY", event(attendees={NADIA: "DECLINED"}, minute=6)))
    log(bens_connection)
    got(ben_member, BEN, calendar("CANCEL", event(attendees={PETER: ""}, minute=7)))
    log(bens_connection)
    jobs = SyncJob.objects.filter(state="synced").order_by("recipient", "pk").values_list("recipient", "kind")

    assert list(jobs) == [
        (NADIA, "meeting_confirmed"),
        (NADIA, "meeting_canceled"),
        (NORA, "meeting_confirmed"),
        (PETER, "meeting_confirmed"),
        (PETER, "meeting_canceled"),
    ]
    assert sorted(subject for subject, _, _ in events(salesforce)) == [
        "Meeting Canceled: Demo",
        "Meeting Canceled: Demo",
        "Meeting Confirmed: Demo",
    ]


def test_answers_to_an_invitation_that_left_no_copy_stand_side_by_side(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    got(ben_member, NORA, calendar("REPLY", event(attendees=ACCEPTED, minute=5)))
    got(ben_member, NADIA, calendar("REPLY", event(attendees={NADIA: "ACCEPTED"}, minute=6)))
    log(bens_connection)
    got(ben_member, NORA, calendar("REPLY", event(attendees=DECLINED, minute=9)))
    log(bens_connection)

    assert sorted(events(salesforce)) == [
        ("Meeting Canceled: Demo", "2026-11-25T14:00", "Free"),
        ("Meeting Confirmed: Demo", "2026-11-25T14:00", "Busy"),
    ]


# --- Outside invitations ----------------------------------------------------------------------------------


def test_an_outside_invitation_counts_from_our_own_yes(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    assert got(ben_member, NORA, invited_by_nora()) == []
    assert got(ben_member, BEN, answered_by_ben("TENTATIVE")) == []
    assert got(ben_member, BEN, answered_by_ben("ACCEPTED", minute=6)) == ["accepted"]
    assert got(ben_member, NORA, invited_by_nora(sequence=1, minute=10, hour=16)) == ["accepted"]
    assert got(ben_member, NORA, calendar("CANCEL", event(organizer=NORA, sequence=2, minute=12))) == ["accepted"]
    log(bens_connection)

    assert states() == [("skipped", "superseded")] * 3  # all before anything was written
    assert events(salesforce) == []


def test_our_answer_alone_is_enough_where_the_invitation_came_another_way(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    assert got(ben_member, BEN, answered_by_ben("ACCEPTED")) == ["accepted"]
    log(bens_connection)

    assert events(salesforce) == [("Meeting Confirmed: Demo", "2026-11-25T14:00", "Busy")]


def test_the_same_news_by_mail_and_calendar_is_one_activity(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    entry = calendar(None, event(organizer=NORA, attendees={BEN: "ACCEPTED"}, minute=5))
    assert got(ben_member, NORA, invited_by_nora()) == []
    assert got(ben_member, "", entry, "calendar") == ["accepted"]
    assert got(ben_member, BEN, answered_by_ben("ACCEPTED")) == []
    assert got(ben_member, "", entry, "calendar") == []
    assert got(ben_member, NORA, invited_by_nora()) == []
    log(bens_connection)

    assert Activity.objects.count() == len(events(salesforce)) == 1


def test_reported_over_the_api_too_it_is_one_event(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    report(ben_member.workspace, meeting())
    log(bens_connection)
    got(ben_member, BEN, calendar("REQUEST", event()))
    got(ben_member, NORA, calendar("REPLY", event(attendees=ACCEPTED, minute=5)))
    log(bens_connection)

    assert events(salesforce) == [("Meeting Confirmed: Demo", "2026-11-25T14:00", "Busy")]


def test_a_name_that_no_index_takes_is_one_meeting(ben_member: Membership, org: SalesforceOrg) -> None:
    chance = random.Random(1)
    uid = "".join(chr(chance.randrange(0x20000, 0x2A000)) for _ in range(998))

    got(ben_member, BEN, calendar("REQUEST", event(uid=uid)))
    answers = calendar("REPLY", event(uid=uid, attendees=ACCEPTED, minute=5))

    assert got(ben_member, NORA, answers) == ["accepted"]
    assert got(ben_member, BEN, calendar("CANCEL", event(uid=uid, sequence=1, minute=9))) == ["accepted"]
    assert Meeting.objects.count() == 1


def test_each_colleague_has_an_event_whoever_knew_last(
    bens_connection: Connection, ben_member: Membership, ada_member: Membership
) -> None:
    """Ada's calendar holds an older state than Ben's mail: her Event is made of the newer one."""
    ada = ada_member.user.email
    both = {NORA: "ACCEPTED", ada: "ACCEPTED"}
    got(ben_member, BEN, calendar("REQUEST", event(attendees=both, sequence=1, minute=20, hour=16)))
    got(ada_member, "", calendar(None, event(attendees=both)), "calendar")

    assert states(owner=ben_member) == [("waiting", "")]
    assert states(owner=ada_member) == [("held", "not_connected")]
    assert Meeting.objects.get().start.hour == 16


def test_a_colleague_of_another_domain_is_nobody_outside(ben_member: Membership, ada_member: Membership, org) -> None:
    ada_member.user.emailaddress_set.update(email="ada@elsewhere.example")
    asked = calendar("REQUEST", event(attendees={"ada@elsewhere.example": "ACCEPTED", NORA: "NEEDS-ACTION"}))

    assert got(ben_member, BEN, asked) == []
    assert got(ben_member, NORA, calendar("REPLY", event(attendees=DECLINED, minute=5))) == []


# --- Whom we believe --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "data"),
    [
        # somebody else answers for Nora, calls off or moves what is not theirs
        (NADIA, calendar("REPLY", event(attendees=DECLINED, minute=30))),
        (NADIA, calendar("CANCEL", event(sequence=5, minute=30))),
        (NORA, calendar("CANCEL", event(sequence=5, minute=30))),
        (NADIA, calendar("REQUEST", event(sequence=5, minute=30, hour=18))),
        # so does whoever claims to act for them from elsewhere
        ("eve@evil.example", calendar("CANCEL", event(
            f"ORGANIZER;SENT-BY=\"mailto:eve@evil.example\":mailto:{BEN}", organizer="", sequence=5, minute=30))),
        # or calls a meeting of their own by the same UID
        ("eve@evil.example", calendar("CANCEL", event(organizer="eve@evil.example", sequence=5, minute=30))),
        (NORA, calendar("CANCEL", event(organizer=NORA, sequence=5, minute=30))),
        (NORA, calendar("REQUEST", event(organizer=NORA, attendees={BEN: ""}, sequence=5, minute=30, hour=18))),
        (NORA, calendar("CANCEL", event(organizer="", sequence=5, minute=30))),
        # whose address cannot be believed
        ("", calendar("CANCEL", event(sequence=5, minute=30))),
        # what was said before the rest
        (NORA, calendar("REPLY", event(attendees=DECLINED, minute=1))),
        (BEN, calendar("CANCEL", event(sequence=0, minute=0))),
        (BEN, calendar("REQUEST", event(sequence=0, minute=50, hour=18))),
        # what changes nothing
        (NORA, calendar("COUNTER", event(attendees=ACCEPTED, sequence=1, minute=30, hour=18))),
        (BEN, calendar("PUBLISH", event(sequence=5, minute=30, hour=18))),
        (BEN, calendar("ADD", event(sequence=5, minute=30, hour=18))),
        (BEN, calendar("REFRESH", event(sequence=5, minute=30, hour=18))),
        (BEN, calendar(None, event(sequence=5, minute=30, hour=18))),
    ],
)  # fmt: skip
def test_what_changes_nothing(ben_member: Membership, org: SalesforceOrg, sender: str, data: bytes) -> None:
    got(ben_member, BEN, calendar("REQUEST", event(sequence=1, minute=2, hour=16)))
    assert got(ben_member, NORA, calendar("REPLY", event(attendees=ACCEPTED, sequence=1, minute=5))) == ["accepted"]

    assert got(ben_member, sender, data) == []


def test_who_acts_for_somebody_of_their_own_house_is_believed(ben_member: Membership, org: SalesforceOrg) -> None:
    desk = "desk@northwindtraders.example"
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))
    by_desk = f'ORGANIZER;SENT-BY="mailto:{desk}":mailto:{NORA}'

    assert got(ben_member, desk, calendar("CANCEL", event(by_desk, organizer="", sequence=1, minute=9))) == [
        "accepted"
    ]


def test_what_names_no_organizer_is_of_every_meeting_by_the_uid(ben_member: Membership, org: SalesforceOrg) -> None:
    got(ben_member, BEN, calendar("REQUEST", event()))
    assert got(ben_member, NORA, calendar("REPLY", event(organizer="", attendees=ACCEPTED, minute=5))) == ["accepted"]
    deleted = calendar("CANCEL", event(organizer="", attendees={}, hour=None, minute=30))

    assert got(ben_member, "", deleted, "calendar") == ["accepted"]
    assert list(Activity.objects.order_by("pk").values_list("kind", flat=True)) == [
        "meeting_confirmed", "meeting_canceled",
    ]  # fmt: skip


# --- What is nobody's business ----------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["PRIVATE", "CONFIDENTIAL", "X-SECRET"])
def test_a_private_meeting_is_never_logged(ben_member: Membership, org: SalesforceOrg, word: str) -> None:
    assert got(ben_member, NORA, invited_by_nora(f"CLASS:{word}")) == []
    assert got(ben_member, BEN, answered_by_ben("ACCEPTED")) == []

    known = str(KnownMeeting.objects.get().known)
    assert [word in known for word in ("Room 1", "let us talk")] == [False, False]
    assert not Activity.objects.exists()
    assert not Meeting.objects.exists()


def test_our_answer_to_a_private_invitation_does_not_make_it_public(
    ben_member: Membership, org: SalesforceOrg
) -> None:
    """The invitation came through somebody else's program, so that our answer is the better witness otherwise."""
    assert got(ben_member, BEN, answered_by_ben("TENTATIVE")) == []
    assert got(ben_member, "robot@calendar.example", invited_by_nora("CLASS:PRIVATE")) == []
    assert got(ben_member, BEN, answered_by_ben("ACCEPTED", minute=9)) == []

    known = str(KnownMeeting.objects.get().known)
    assert [word in known for word in ("Room 1", "let us talk")] == [False, False]
    assert got(ben_member, NORA, invited_by_nora("CLASS:PUBLIC", sequence=1, minute=12)) == ["accepted"]


def test_of_a_meeting_that_becomes_private_nothing_further_is_written(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))
    log(bens_connection)

    assert got(ben_member, NORA, invited_by_nora("CLASS:PRIVATE", sequence=1, minute=10, hour=16)) == []
    assert got(ben_member, NORA, calendar("CANCEL", event(organizer=NORA, sequence=2, minute=12))) == []
    assert events(salesforce) == [("Meeting Confirmed: Demo", "2026-11-25T14:00", "Busy")]


def test_a_meeting_among_ourselves_is_not_even_remembered(ben_member: Membership, org: SalesforceOrg) -> None:
    room = "ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED:mailto:room4@rooms.example"
    inside = {"ada@acme.example": "ACCEPTED", "everybody@acme.example": "ACCEPTED"}

    assert got(ben_member, BEN, calendar("REQUEST", event(room, attendees=inside))) == []
    assert got(ben_member, "", calendar(None, event(room, attendees={}, organizer="")), "calendar") == []
    assert not KnownMeeting.objects.exists()


def test_exclusions_hold_for_meetings_too(ben_member: Membership, org: SalesforceOrg) -> None:
    add_personal(ben_member, ExclusionKind.ADDRESS, NORA)
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))

    assert states() == [("skipped", "kept_private")]
    assert (Meeting.objects.get().description, "let us talk" in str(KnownMeeting.objects.get().known)) == ("", False)


# --- Repeated meetings ------------------------------------------------------------------------------------


WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=20",)


def test_the_next_instances_are_logged_and_the_others_when_they_come_near(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn, clock: Clock
) -> None:
    got(ben_member, NORA, invited_by_nora(*WEEKLY))
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))
    log(bens_connection)
    first = [start for _, start, _ in events(salesforce)]
    assert log_next_instances() == 0
    clock.advance(days=11)
    assert log_next_instances() == 2
    assert log_next_instances() == 0

    assert first == ["2026-11-25T14:00", "2026-12-02T14:00", "2026-12-09T14:00", "2026-12-16T14:00"]
    assert Meeting.objects.count() == 6


def test_a_meeting_that_is_broken_stops_no_other(ben_member: Membership, org: SalesforceOrg, clock: Clock) -> None:
    for uid in ("broken", "sound"):
        got(ben_member, NORA, invited_by_nora(*WEEKLY, uid=uid))
        got(ben_member, BEN, answered_by_ben("ACCEPTED", uid=uid))
    broken = KnownMeeting.objects.get(uid="broken")
    known = broken.known | {"answers": {"": {BEN: {"sequence": "none"}}}}
    KnownMeeting.objects.filter(pk=broken.pk).update(known=known, next_look_at=NOW)
    clock.advance(days=11)

    assert [log_next_instances() for _ in range(2)] == [2, 0]
    broken.refresh_from_db()
    assert broken.next_look_at > timezone.now()


def test_one_instance_is_moved_and_one_called_off(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn, clock: Clock
) -> None:
    got(ben_member, NORA, invited_by_nora(*WEEKLY))
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))
    log(bens_connection)
    got(ben_member, NORA, invited_by_nora("RECURRENCE-ID:20261202T140000Z", sequence=1, minute=10, hour=16))
    off = event("RECURRENCE-ID:20261209T140000Z", organizer=NORA, sequence=1, minute=11)
    got(ben_member, NORA, calendar("CANCEL", off))
    log(bens_connection)

    assert sorted(events(salesforce), key=lambda row: row[1]) == [
        ("Meeting Confirmed: Demo", "2026-11-25T14:00", "Busy"),
        ("Meeting Confirmed: Demo", "2026-11-25T16:00", "Busy"),
        ("Meeting Canceled: Demo", "2026-12-09T14:00", "Free"),
        ("Meeting Confirmed: Demo", "2026-12-16T14:00", "Busy"),
    ]


def test_instances_that_a_new_rule_does_not_have_are_called_off(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn, clock: Clock
) -> None:
    got(ben_member, NORA, invited_by_nora(*WEEKLY))
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))
    log(bens_connection)
    got(ben_member, NORA, invited_by_nora("RRULE:FREQ=WEEKLY;COUNT=2", sequence=1, minute=10))
    log(bens_connection)

    assert [(subject.partition(":")[0], start[:10]) for subject, start, _ in events(salesforce)] == [
        ("Meeting Confirmed", "2026-11-25"),
        ("Meeting Confirmed", "2026-12-02"),
        ("Meeting Canceled", "2026-12-09"),
        ("Meeting Canceled", "2026-12-16"),
    ]


def test_ten_o_clock_stays_ten_o_clock_when_summer_time_ends(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn, clock: Clock
) -> None:
    clock.advance(days=-35)  # 16 October
    times = ["DTSTART;TZID=Europe/Berlin:20261019T100000", "DTEND;TZID=Europe/Berlin:20261019T110000"]
    series = event(*times, "RRULE:FREQ=WEEKLY;COUNT=3", organizer=NORA, attendees={BEN: "ACCEPTED"}, hour=None)
    message = replace(read_calendar(calendar(None, series), now=timezone.now()), seen_at=timezone.now())
    take_meetings(ben_member, [BEN], [message], "calendar")
    log(bens_connection)

    assert [start for _, start, _ in events(salesforce)] == [
        "2026-10-19T08:00",
        "2026-10-26T09:00",
        "2026-11-02T09:00",
    ]


def test_a_whole_day_is_one_where_the_member_lives(
    bens_connection: Connection, ben_member: Membership, salesforce: TestedStandIn
) -> None:
    ben_member.user.time_zone = "America/New_York"
    day = event("DTSTART;VALUE=DATE:20261125", organizer=NORA, attendees={BEN: "ACCEPTED"}, hour=None)
    got(ben_member, "", calendar(None, day), "calendar")
    log(bens_connection)

    [row] = salesforce.org.rows("Event")
    assert (row["StartDateTime"][:16], row["EndDateTime"][:16]) == ("2026-11-25T05:00", "2026-11-26T05:00")


def test_what_is_long_over_is_forgotten(ben_member: Membership, org: SalesforceOrg, clock: Clock) -> None:
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))
    clock.advance(days=184)
    forget_old()
    kept = KnownMeeting.objects.count()
    clock.advance(days=2)
    forget_old()

    assert (kept, KnownMeeting.objects.count()) == (1, 0)


def test_who_is_erased_is_in_no_meeting_that_is_known(ben_member: Membership, org: SalesforceOrg) -> None:
    got(ben_member, BEN, answered_by_ben("ACCEPTED"))
    got(ben_member, BEN, calendar("REQUEST", event(uid="uid-2", attendees={PETER: ""})))
    got(ben_member, PETER, calendar("REPLY", event(uid="uid-2", attendees={PETER: "ACCEPTED"})))
    erase_address(ben_member.workspace, NORA)

    assert list(KnownMeeting.objects.values_list("uid", flat=True)) == ["uid-2"]
    assert list(Meeting.objects.order_by("pk").values_list("title", "organizer", "attendees")) == [
        ("", "", []),
        ("Demo", BEN, [{"email": PETER, "name": "", "status": "accepted"}]),
    ]
