"""What stands in a real calendar becomes Events and follows it: the whole way but for the browser and the threads."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import DataError
from time_machine import TimeMachineFixture

from activity.models import Activity, KnownMeeting, Message
from activity.sources import calendars as source
from activity.sources.calendars import LeaseLost
from activity.sources.meetings import take_meetings
from integrations import calendars
from integrations.calendar.caldav import Collection
from integrations.calendar.errors import CollectionGone
from integrations.mailbox.parser import MailParser
from integrations.models import Calendar, CalendarCollection, CalendarResource, Connection
from tests.activity.calendar_watch.polled import connect_calendar, events, look, meetings
from tests.activity.stories import log
from tests.calendar_fixtures import GUEST, Radicale, entry, event, next_day, without
from tests.integrations.salesforce.raw_server import RawServer, answer
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def parser() -> Iterator[MailParser]:
    made = MailParser(processes=1)
    yield made
    made.close()


@pytest.fixture
def user(radicale: Radicale) -> str:
    name = radicale.new_user()
    radicale.make_calendar(name)
    return name


@pytest.fixture
def calendar(ben_member: Membership, radicale: Radicale, user: str) -> Calendar:
    return connect_calendar(ben_member, radicale, user)


@pytest.fixture
def see(calendar: Calendar, parser: MailParser) -> Callable[..., None]:
    """One look into Ben's calendar."""
    return partial(look, calendar, parser)


def minutes(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}"


def test_confirmed_moved_and_deleted_it_is_one_event(
    bens_connection: Connection, salesforce: TestedStandIn, radicale, user, see
) -> None:
    see()
    radicale.put(user, "demo", entry(event("demo", next_day(3))))
    see()
    log(bens_connection)
    confirmed = events(salesforce)
    radicale.put(user, "demo", entry(event("demo", next_day(4, 16), sequence=1)))
    see()
    log(bens_connection)
    moved = events(salesforce)
    radicale.delete(user, "demo")
    see()
    log(bens_connection)

    assert confirmed == [("Meeting Confirmed: Product demo", minutes(next_day(3)), "Busy")]
    assert moved == [("Meeting Confirmed: Product demo", minutes(next_day(4, 16)), "Busy")]
    assert events(salesforce) == [("Meeting Canceled: Product demo", minutes(next_day(4, 16)), "Free")]
    assert Calendar.objects.get().meetings_read == 3


def test_nothing_new_is_nothing_new(radicale, user, see) -> None:
    radicale.put(user, "demo", entry(event("demo", next_day(3))))
    for _ in range(3):
        see()

    assert meetings() == [("meeting_confirmed", "demo")]


@pytest.mark.parametrize("said", ["NEEDS-ACTION", "DECLINED", "TENTATIVE"])
def test_who_has_not_accepted_confirms_nothing(said: str, radicale, user, see) -> None:
    radicale.put(user, "demo", entry(event("demo", next_day(3), partstat=said)))
    see()
    open_still = meetings()
    radicale.put(user, "demo", entry(event("demo", next_day(3), partstat="ACCEPTED", sequence=1)))
    see()

    assert (open_still, meetings()) == ([], [("meeting_confirmed", "demo")])


def test_an_outside_invitation_counts_when_we_accepted(radicale, user, see) -> None:
    asked = event("theirs", next_day(3), organizer=GUEST, partstat="ACCEPTED")
    radicale.put(
        user, "theirs", entry(asked.replace("PARTSTAT=ACCEPTED:mailto:ben", "PARTSTAT=NEEDS-ACTION:mailto:ben"))
    )
    see()
    before = meetings()
    radicale.put(user, "theirs", entry(asked))
    see()

    assert (before, meetings()) == ([], [("meeting_confirmed", "theirs")])


def test_a_canceled_meeting_is_canceled(radicale, user, see) -> None:
    radicale.put(user, "demo", entry(event("demo", next_day(3))))
    see()
    radicale.put(user, "demo", entry(event("demo", next_day(3), "STATUS:CANCELLED", sequence=1)))
    see()
    radicale.delete(user, "demo")
    see()

    assert meetings() == [("meeting_confirmed", "demo"), ("meeting_canceled", "demo")]


def test_the_past_is_not_logged(radicale, user, see) -> None:
    """Neither what lies there at the first look, nor an archive that is imported later."""
    radicale.put(user, "old", entry(event("old", next_day(-30))))
    radicale.put(user, "next", entry(event("next", next_day(2))))
    see()
    for number in range(5):
        radicale.put(user, f"older{number}", entry(event(f"older{number}", next_day(-60 - number))))
    see()

    assert meetings() == [("meeting_confirmed", "next")]


def test_a_flood_is_listed_by_what_is_to_come(radicale, user, see) -> None:
    see()
    for number in range(12):
        radicale.put(user, f"e{number}", entry(event(f"e{number}", next_day(2 if number == 7 else -40))))
    see(most_changes=10)

    assert meetings() == [("meeting_confirmed", "e7")]


def test_private_entries_and_those_among_colleagues_are_nobodys_business(radicale, user, see) -> None:
    radicale.put(user, "private", entry(event("private", next_day(2), "CLASS:PRIVATE", title="Doctor")))
    radicale.put(user, "secret", entry(event("secret", next_day(2), "CLASS:CONFIDENTIAL", title="Doctor")))
    radicale.put(user, "internal", entry(event("internal", next_day(2), guest="ada@acme.example")))
    radicale.put(user, "alone", without(entry(event("alone", next_day(2))), "ATTENDEE", "ORGANIZER"))
    see()

    assert meetings() == []
    assert "Doctor" not in str(list(KnownMeeting.objects.values())) + str(list(CalendarResource.objects.values()))
    assert not Message.objects.exists()


def test_deleted_entries_of_no_weight_say_nothing(radicale, user, see) -> None:
    radicale.put(user, "alone", without(entry(event("alone", next_day(2))), "ATTENDEE", "ORGANIZER"))
    radicale.put(user, "asked", entry(event("asked", next_day(2), partstat="NEEDS-ACTION")))
    see()
    radicale.delete(user, "alone")
    radicale.delete(user, "asked")
    see()

    assert meetings() == []


def test_a_meeting_that_is_over_may_be_deleted(radicale, user, see, time_machine: TimeMachineFixture) -> None:
    radicale.put(user, "demo", entry(event("demo", next_day(1))))
    see()
    time_machine.move_to(datetime.now(UTC) + timedelta(days=2))
    radicale.delete(user, "demo")
    see()

    assert meetings() == [("meeting_confirmed", "demo")]


def test_a_meeting_that_is_back_is_confirmed_again(radicale, user, see) -> None:
    whole = entry(event("demo", next_day(3)))
    radicale.put(user, "demo", whole)
    see()
    radicale.delete(user, "demo")
    see()
    radicale.put(user, "restored", whole)
    see()

    assert [kind for kind, _ in meetings()] == ["meeting_confirmed", "meeting_canceled", "meeting_confirmed"]


def test_a_meeting_that_goes_to_another_chosen_calendar_goes_on(calendar, radicale, user, see) -> None:
    radicale.make_calendar(user, "other", "Other")
    calendars.choose(calendar, calendars.list_collections(calendar))
    whole = entry(event("demo", next_day(3)))
    radicale.put(user, "demo", whole)
    see()
    radicale.delete(user, "demo")
    radicale.put(user, "demo", whole, calendar="other")
    see()
    kept = meetings()
    calendars.choose(calendar, [Collection(f"{radicale.url}{user}/office/", "Work")])
    see()

    assert (kept, meetings()) == ([("meeting_confirmed", "demo")],) * 2


# --- Recurring meetings -----------------------------------------------------------------------------------


def test_a_weekly_meeting_with_one_moved_instance(
    bens_connection: Connection, salesforce: TestedStandIn, radicale, user, see
) -> None:
    start = next_day(2)
    series = event("weekly", start, "RRULE:FREQ=WEEKLY;COUNT=3")
    radicale.put(user, "weekly", entry(series))
    see()
    log(bens_connection)
    before = sorted(begin for _, begin, _ in events(salesforce))
    second = start + timedelta(days=7)
    moved = event("weekly", second + timedelta(hours=5), f"RECURRENCE-ID:{second:%Y%m%dT%H%M%SZ}", sequence=1)
    radicale.put(user, "weekly", entry(series, moved))
    see()
    log(bens_connection)

    third = start + timedelta(days=14)
    assert before == [minutes(each) for each in (start, second, third)]
    assert sorted(begin for _, begin, _ in events(salesforce)) == [
        minutes(each) for each in (start, second + timedelta(hours=5), third)
    ]


def test_the_clock_of_the_meetings_own_zone_holds_across_summer_time(
    bens_connection: Connection, salesforce: TestedStandIn, radicale, user, see, time_machine: TimeMachineFixture
) -> None:
    """Ten o'clock in Berlin, before and after 28 March 2027."""
    time_machine.move_to(datetime(2027, 3, 20, 12, tzinfo=UTC))
    weekly = event("berlin", datetime(2027, 3, 23, 9, tzinfo=UTC), "RRULE:FREQ=WEEKLY;COUNT=2")
    lines = weekly.replace("DTSTART:20270323T090000Z", "DTSTART;TZID=Europe/Berlin:20270323T100000").replace(
        "DTEND:20270323T100000Z", "DTEND;TZID=Europe/Berlin:20270323T110000"
    )
    radicale.put(user, "berlin", entry(lines))
    see()
    log(bens_connection)

    assert sorted(begin for _, begin, _ in events(salesforce)) == ["2027-03-23T09:00", "2027-03-30T08:00"]


def test_a_meeting_far_ahead_comes_with_time(radicale, user, see, time_machine: TimeMachineFixture) -> None:
    """It was there before the calendar was connected, so no change will ever bring it."""
    radicale.put(user, "far", entry(event("far", next_day(90))))
    see()
    first = meetings()
    time_machine.move_to(datetime.now(UTC) + timedelta(days=40))
    see()

    assert (first, meetings()) == ([], [("meeting_confirmed", "far")])


# --- Tokens and their lack --------------------------------------------------------------------------------


def test_a_token_that_the_server_forgot_loses_and_doubles_nothing(radicale, user, see) -> None:
    for name in ("kept", "moved", "gone"):
        radicale.put(user, name, entry(event(name, next_day(3))))
    see()
    CalendarCollection.objects.update(sync_token="http://radicale.org/ns/sync/" + "0" * 64)
    radicale.put(user, "moved", entry(event("moved", next_day(5), sequence=1)))
    radicale.delete(user, "gone")
    radicale.put(user, "new", entry(event("new", next_day(4))))
    see()

    assert sorted(meetings()[:3]) == [("meeting_confirmed", name) for name in ("gone", "kept", "moved")]
    assert sorted(meetings()[3:]) == [
        ("meeting_canceled", "gone"),
        ("meeting_confirmed", "moved"),
        ("meeting_confirmed", "new"),
    ]
    assert CalendarCollection.objects.get().sync_token != "http://radicale.org/ns/sync/" + "0" * 64


def told(*responses: str) -> bytes:
    """A multistatus answer."""
    names = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/"'
    return answer(207, f"<d:multistatus {names}>{''.join(responses)}</d:multistatus>")


def of(path: str, props: str) -> str:
    """What is told of one path."""
    return (
        f"<d:response><d:href>{path}</d:href><d:propstat><d:prop>{props}</d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )


def named(path: str, etag: str, data: str = "") -> str:
    """A resource with its etag, and its data."""
    whole = f"<c:calendar-data>{data}</c:calendar-data>" if data else ""
    return of(path, f"<d:getetag>{etag}</d:getetag>{whole}")


@pytest.mark.parametrize("token", ["", "<d:sync-token>always</d:sync-token>"])
def test_a_server_without_sync_collection_is_read_by_ctag_and_etags(
    token: str, calendar, radicale, see, settings
) -> None:
    """With or without naming a token that it does not understand itself."""
    first, second = (entry(event(name, next_day(3))) for name in ("first", "second"))
    moved = entry(event("first", next_day(4), sequence=1))
    one, two = "/office/1.ics", "/office/2.ics"
    before, after = ([told(of("/office/", f"<s:getctag>{ctag}</s:getctag>{token}"))] for ctag in "AB")
    listed, fetched = (
        [told(named(one, "a"), named(two, "a"))],
        [told(named(one, "a", first), named(two, "a", second))],
    )
    refused = [[answer(400)]] if token else []
    scripts = [before, listed, fetched, *refused, before]
    gone = f"<d:response><d:href>{two}</d:href><d:status>HTTP/1.1 404 Gone</d:status></d:response>"
    scripts += [*refused, after, [told(named(one, "b"))], [told(named(one, "b", moved), gone)]]
    with RawServer(*scripts, pem=str(radicale.folder / "stand-in-server.pem")) as server:
        settings.MAILBOX_EXTRA_HOSTS |= {f"localhost:{server.port}"}
        CalendarCollection.objects.update(url=f"https://localhost:{server.port}/office/")
        for _ in range(3):
            see()

        assert len(server.received) == len(scripts)
        assert (b"/office/1.ics" in server.received[-1], b"/office/2.ics" in server.received[-1]) == (True, True)
    assert sorted(meetings()[:2]) == [("meeting_confirmed", "first"), ("meeting_confirmed", "second")]
    assert meetings()[2:] == [("meeting_confirmed", "first"), ("meeting_canceled", "second")]


def test_an_entry_that_cannot_be_read_stands_aside(radicale, user, see) -> None:
    hourly = event("hourly", next_day(3), "RRULE:FREQ=HOURLY;COUNT=3")
    radicale.put(user, "hourly", entry(hourly))
    radicale.put(user, "good", entry(event("good", next_day(3))))
    see()
    reasons = list(CalendarResource.objects.exclude(reason="").values_list("reason", flat=True))
    radicale.put(user, "hourly", entry(event("hourly", next_day(3))))
    see()

    assert reasons == ["too_frequent"]
    assert meetings() == [("meeting_confirmed", "good"), ("meeting_confirmed", "hourly")]
    assert not CalendarResource.objects.exclude(reason="").exists()


def test_an_entry_that_cannot_be_stored_costs_only_itself(radicale, user, see) -> None:
    for name in ("good", "odd", "fine"):
        radicale.put(user, name, entry(event(name, next_day(3))))

    def refuse(do, *args) -> None:
        """As a database does."""
        entries = args[2] if do in (source.commit, source.finish) else ()
        if any(each.path.endswith("/odd.ics") and each.message for each in entries):
            raise DataError

    see(refuse)
    token = CalendarCollection.objects.get().sync_token

    assert sorted(meetings()) == [("meeting_confirmed", "fine"), ("meeting_confirmed", "good")]
    assert list(CalendarResource.objects.exclude(reason="").values_list("reason", "uid")) == [("broken", "")]
    assert token


def test_a_calendar_that_is_gone_is_told(radicale, user, see) -> None:
    see()
    radicale.ask("DELETE", f"/{user}/office/", user)

    with pytest.raises(CollectionGone):
        see()


# --- Mail and calendar ------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["mail", "calendar"])
def test_the_same_meeting_in_mail_and_calendar_is_one(
    first: str, bens_connection, ben_member: Membership, salesforce, radicale, user, see, parser: MailParser
) -> None:
    whole = event("both", next_day(3))
    radicale.put(user, "both", entry(whole))

    def mail() -> None:
        data = entry(whole).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REPLY").encode()
        message = parser.calendar(data)
        sent = type(message)(message.method, message.meetings, sender=GUEST, seen_at=datetime.now(UTC))
        take_meetings(ben_member, {"ben@acme.example"}, [sent], "mail")

    for step in (mail, see) if first == "mail" else (see, mail):
        step()
    log(bens_connection)

    assert [row[1] for row in events(salesforce)] == [minutes(next_day(3))]


# --- Leases -----------------------------------------------------------------------------------------------


def test_who_lost_the_lease_writes_nothing(calendar, radicale, user, see) -> None:
    radicale.put(user, "demo", entry(event("demo", next_day(3))))

    def lose(do, *args) -> None:
        if do is source.finish:
            Calendar.objects.update(lease_holder="another")

    with pytest.raises(LeaseLost):
        see(lose)

    assert (Activity.objects.count(), CalendarResource.objects.count()) == (0, 0)
    assert CalendarCollection.objects.get().looked_ahead_at is None


def test_what_was_read_is_noted(calendar, see) -> None:
    see()
    calendar.refresh_from_db()

    assert (calendar.lease_holder, calendar.failures, calendar.state) == ("", 0, "connected")
    assert calendar.read_at < calendar.poll_at < calendar.read_at + timedelta(minutes=6.1)
