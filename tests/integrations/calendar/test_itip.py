"""Well-formed calendars of many programs, each with the exact result."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from integrations.calendar.itip import CalendarMessage, Instance, Invited, Meeting, read_calendar
from integrations.calendar.messages import from_json
from integrations.mailbox.parser import MailParser
from tests.integrations.calendar.invitations import BEN, NADIA, NORA, calendar, event

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"
HOUR = timedelta(hours=1)


def at(day: int, hour: int, minute: int = 0, *, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def read(*lines: str, method: str = "REQUEST", before: tuple[str, ...] = (), zone: str = BERLIN) -> Meeting:
    """The only meeting of a calendar whose event has these lines."""
    whole = calendar(method, ["BEGIN:VEVENT", "UID:u", *lines, "END:VEVENT"], before=before)
    [meeting] = read_calendar(whole, time_zone=zone, now=NOW).meetings
    return meeting


def zone_of_exchange(name: str) -> tuple[str, ...]:
    """As Exchange describes central Europe, under whatever name."""
    return (
        "BEGIN:VTIMEZONE", f"TZID:{name}",
        "BEGIN:STANDARD", "DTSTART:16010101T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "END:STANDARD",
        "BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200",
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE",
    )  # fmt: skip


# --- Whole messages ---------------------------------------------------------------------------------------


def test_an_invitation_is_read_whole() -> None:
    message = read_calendar(calendar("REQUEST", event(sequence=2, attendees={NORA: "NEEDS-ACTION", NADIA: ""})))

    assert message == CalendarMessage(
        "REQUEST",
        (
            Meeting(
                uid="uid-1",
                sequence=2,
                dtstamp=at(20, 9),
                summary="Demo",
                location="Room 1",
                description="Dear Nora,\nlet us talk.",
                start=at(25, 14),
                end=at(25, 15),
                organizer=Invited(BEN, "Somebody"),
                attendees=(Invited(NORA, partstat="NEEDS-ACTION"), Invited(NADIA)),
            ),
        ),
    )


def test_nothing_is_lost_between_the_processes() -> None:
    every = calendar(
        "REQUEST",
        event("RRULE:FREQ=WEEKLY;COUNT=500", "CLASS:PRIVATE"),
        event("RECURRENCE-ID;VALUE=DATE;RANGE=THISANDFUTURE:20261202", hour=None, uid="uid-2"),
    )
    parser = MailParser(processes=1)
    try:
        assert parser.calendar(every) == read_calendar(every)
    finally:
        parser.close()


def test_json_keeps_days_and_times_apart() -> None:
    stored = {
        "method": None,
        "meetings": [
            {
                "uid": "u", "recurrence_id": "2026-12-02", "and_future": False, "sequence": 0, "dtstamp": None,
                "summary": "", "location": "", "description": "", "start": "2026-12-02",
                "end": "2026-12-03T00:00:00+00:00", "status": "", "is_private": False, "organizer": None,
                "attendees": [], "recurs": False, "instances": [],
            }
        ],
    }  # fmt: skip
    [meeting] = from_json(stored).meetings

    assert (meeting.recurrence_id, meeting.start, meeting.end) == (
        date(2026, 12, 2),
        date(2026, 12, 2),
        at(3, 0, month=12),
    )


# --- Times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "before", "start", "end"),
    [
        # UTC, as Google and Zoom write it
        (("DTSTART:20261125T140000Z", "DTEND:20261125T150000Z"), (), at(25, 14), at(25, 15)),
        # an IANA name, with and without a description of the zone
        (("DTSTART;TZID=Europe/Berlin:20261125T140000", "DURATION:PT45M"), (), at(25, 13), at(25, 13, 45)),
        (("DTSTART;TZID=America/New_York:20261125T140000", "DURATION:PT1H"), (), at(25, 19), at(25, 20)),
        (('DTSTART;TZID="Asia/Kolkata":20261125T140000', "DURATION:PT1H"), (), at(25, 8, 30), at(25, 9, 30)),
        (("DTSTART;TZID=/example.org/Europe/Berlin:20261125T140000", "DURATION:PT1H"), (), at(25, 13), at(25, 14)),
        # the names of Windows, with and without a description
        (("DTSTART;TZID=W. Europe Standard Time:20261125T140000", "DURATION:PT1H"), (), at(25, 13), at(25, 14)),
        (("DTSTART;TZID=Pacific Standard Time:20261125T060000", "DURATION:PT1H"), (), at(25, 14), at(25, 15)),
        (
            ("DTSTART;TZID=W. Europe Standard Time:20260701T140000", "DURATION:PT1H"),
            zone_of_exchange("W. Europe Standard Time"),
            at(1, 12, month=7),
            at(1, 13, month=7),
        ),
        # a zone that only the calendar knows
        (
            ("DTSTART;TZID=Customized Time Zone:20260701T140000", "DURATION:PT1H"),
            zone_of_exchange("Customized Time Zone"),
            at(1, 12, month=7),
            at(1, 13, month=7),
        ),
        # a known name is what it is, whatever the calendar says
        (
            ("DTSTART;TZID=America/New_York:20261125T140000", "DURATION:PT1H"),
            zone_of_exchange("America/New_York"),
            at(25, 19),
            at(25, 20),
        ),
        # floating, or a zone that nobody knows: the reader's own, else the one that the calendar names
        (("DTSTART:20261125T140000", "DTEND:20261125T150000"), (), at(25, 13), at(25, 14)),
        (("DTSTART;TZID=Moon/Sea of Peace:20261125T140000", "DURATION:PT1H"), (), at(25, 13), at(25, 14)),
        (("DTSTART:20261125T140000", "DURATION:PT1H"), ("X-WR-TIMEZONE:Asia/Tokyo",), at(25, 5), at(25, 6)),
        # summer time begins and ends
        (("DTSTART;TZID=Europe/Berlin:20260328T100000",), (), at(28, 9, month=3), at(28, 9, month=3)),
        (("DTSTART;TZID=Europe/Berlin:20260330T100000",), (), at(30, 8, month=3), at(30, 8, month=3)),
        # an hour that is not there, and one that is there twice
        (("DTSTART;TZID=Europe/Berlin:20260329T023000",), (), at(29, 1, 30, month=3), at(29, 1, 30, month=3)),
        (("DTSTART;TZID=Europe/Berlin:20261025T023000",), (), at(25, 0, 30, month=10), at(25, 0, 30, month=10)),
        # over a change the clock's hours are not the hours that pass
        (
            ("DTSTART;TZID=Europe/Berlin:20261024T220000", "DTEND;TZID=Europe/Berlin:20261025T060000"),
            (),
            at(24, 20, month=10),
            at(25, 5, month=10),
        ),
        # beginning and end in two zones
        (
            ("DTSTART;TZID=Europe/Berlin:20261125T140000", "DTEND;TZID=Europe/London:20261125T150000"),
            (),
            at(25, 13),
            at(25, 15),
        ),
        # whole days
        (("DTSTART;VALUE=DATE:20261125",), (), date(2026, 11, 25), date(2026, 11, 26)),
        (("DTSTART;VALUE=DATE:20261125", "DTEND;VALUE=DATE:20261128"), (), date(2026, 11, 25), date(2026, 11, 28)),
        (("DTSTART;VALUE=DATE:20261125", "DTEND;VALUE=DATE:20261125"), (), date(2026, 11, 25), date(2026, 11, 26)),
        (("DTSTART;VALUE=DATE:20261125", "DURATION:P2D"), (), date(2026, 11, 25), date(2026, 11, 27)),
        (("DTSTART:20261125",), (), date(2026, 11, 25), date(2026, 11, 26)),
        # ends that are none
        (("DTSTART:20261125T140000Z",), (), at(25, 14), at(25, 14)),
        (("DTSTART:20261125T140000Z", "DTEND:20261125T130000Z"), (), at(25, 14), at(25, 14)),
        (("DTSTART:20261125T140000Z", "DURATION:-PT1H"), (), at(25, 14), at(25, 14)),
        (("DTSTART:20261125T140000Z", "DTEND;VALUE=DATE:20261126"), (), at(25, 14), at(25, 14)),
        (("DTSTART:20261125T140000Z", "DTEND:later"), (), at(25, 14), at(25, 14)),
        # no time at all, as in answers
        (("SUMMARY:Accepted: Demo",), (), None, None),
    ],
)  # fmt: skip
def test_times(lines: tuple[str, ...], before: tuple[str, ...], start: Any, end: Any) -> None:
    meeting = read(*lines, before=before)

    assert (meeting.start, meeting.end) == (start, end)


@pytest.mark.parametrize(
    "line",
    [
        "DTSTART:00000101T000000Z",
        "DTSTART:19691231T235959Z",
        "DTSTART:22000101T000000Z",
        "DTSTART:99991231T235959Z",
        "DTSTART:tomorrow",
        "DTSTART:20261125T140000Z\r\nRECURRENCE-ID:never",
    ],
)
def test_what_has_no_time_that_can_be_is_left_out(line: str) -> None:
    whole = calendar("REQUEST", ["BEGIN:VEVENT", "UID:u", line, "END:VEVENT"], event())

    assert [meeting.uid for meeting in read_calendar(whole).meetings] == ["uid-1"]


# --- Repeated meetings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "starts"),
    [
        (
            ("DTSTART;TZID=Europe/Berlin:20261123T100000", "RRULE:FREQ=WEEKLY;COUNT=3"),
            [at(23, 9), at(30, 9), at(7, 9, month=12)],
        ),
        # ten o'clock stays ten o'clock
        (
            ("DTSTART;TZID=Europe/Berlin:20261123T100000", "RRULE:FREQ=MONTHLY;INTERVAL=5;COUNT=2"),
            [at(23, 9), at(23, 8, month=4, year=2027)],
        ),
        (
            ("DTSTART;TZID=America/New_York:20261123T100000", "RRULE:FREQ=WEEKLY;UNTIL=20261130T150000Z"),
            [at(23, 15), at(30, 15)],
        ),
        (
            ("DTSTART:20261123T100000Z", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20261124T100000Z"),
            [at(23, 10), at(25, 10)],
        ),
        (
            ("DTSTART;TZID=Europe/Berlin:20261123T100000", "RRULE:FREQ=DAILY;COUNT=3",
             "EXDATE;TZID=Europe/Berlin:20261124T100000,20261125T100000"),
            [at(23, 9)],
        ),
        (("DTSTART:20261123T100000Z", "RDATE:20261201T120000Z"), [at(23, 10), at(1, 12, month=12)]),
        (
            ("DTSTART:20261123T100000Z", "RDATE;VALUE=PERIOD:20261201T120000Z/PT3H"),
            [at(23, 10), at(1, 12, month=12)],
        ),
        (
            ("DTSTART;VALUE=DATE:20261123", "RRULE:FREQ=WEEKLY;UNTIL=20261130"),
            [date(2026, 11, 23), date(2026, 11, 30)],
        ),
        (("DTSTART:20261127T100000Z", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2"), [at(27, 10), at(25, 10, month=12)]),
        # what is over is left out
        (("DTSTART:20260102T100000Z", "RRULE:FREQ=WEEKLY;UNTIL=20260801T000000Z"), []),
        (("DTSTART:20240101T100000Z", "RRULE:FREQ=YEARLY"), [at(1, 10, month=1, year=2027)]),
    ],
)  # fmt: skip
def test_next_instances(lines: tuple[str, ...], starts: list[Any]) -> None:
    meeting = read(*lines, "DURATION:P1D" if "VALUE=DATE:" in lines[0] else "DURATION:PT1H")

    length = timedelta(days=1) if starts and not isinstance(starts[0], datetime) else HOUR
    assert (meeting.recurs, meeting.instances) == (
        True,
        tuple(Instance(each, each, each + length) for each in starts),
    )


def test_a_daily_meeting_for_ever_gives_a_hundred_instances() -> None:
    meeting = read("DTSTART:20100101T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")

    assert len(meeting.instances) == 100
    assert (meeting.instances[0].start, meeting.instances[-1].start) == (
        at(20, 10),
        at(27, 10, month=2, year=2027),
    )


def test_an_instance_of_its_own_stands_beside_its_meeting() -> None:
    whole = calendar(
        "REQUEST",
        event("RRULE:FREQ=WEEKLY;COUNT=2"),
        event("RECURRENCE-ID:20261202T140000Z", hour=16),
    )
    found = read_calendar(whole, now=NOW).meetings

    assert [(each.recurrence_id, each.start, each.recurs) for each in found] == [
        (None, at(25, 14), True),
        (at(2, 14, month=12), at(25, 16), False),
    ]


def test_for_this_and_all_later_instances() -> None:
    meeting = read("RECURRENCE-ID;RANGE=THISANDFUTURE:20261202T140000Z", "DTSTART:20261202T160000Z")

    assert (meeting.recurrence_id, meeting.and_future) == (at(2, 14, month=12), True)


# --- People, versions, privacy ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "person"),
    [
        # Outlook and Exchange
        (
            "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Nora West:MAILTO:" + NORA.title(),
            Invited(NORA, "Nora West", "NEEDS-ACTION", "REQ-PARTICIPANT"),
        ),
        ("ATTENDEE;PARTSTAT=ACCEPTED;CN='Nora West':mailto:" + NORA, Invited(NORA, "Nora West", "ACCEPTED")),
        ("ATTENDEE;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;CN=Beamer:mailto:b@x.example",
         Invited("b@x.example", "Beamer", "", "NON-PARTICIPANT", "RESOURCE")),
        # Google
        (
            f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED;CN={NORA};X-NUM-GUESTS=0:mailto:{NORA}",
            Invited(NORA, "", "DECLINED", "REQ-PARTICIPANT"),
        ),
        ('ATTENDEE;CUTYPE=ROOM;CN="HQ-1, Room 4":mailto:c_1@resource.calendar.google.com',
         Invited("c_1@resource.calendar.google.com", "HQ-1, Room 4", cutype="ROOM")),
        # Apple
        (
            f'ATTENDEE;CN="Nora West";EMAIL="{NORA}";PARTSTAT=TENTATIVE:/aMTIz/principal/',
            Invited(NORA, "Nora West", "TENTATIVE"),
        ),
        (f"ATTENDEE;EMAIL={NORA}:urn:uuid:11111111-2222", Invited(NORA)),
        # delegates
        (f'ATTENDEE;SENT-BY="mailto:Desk@x.example";PARTSTAT=ACCEPTED:mailto:{NORA}',
         Invited(NORA, "", "ACCEPTED", sent_by="desk@x.example")),
        # what programs make of it
        (f"ATTENDEE:{NORA}", Invited(NORA)),
        (f"ATTENDEE:mailto:{NORA}?subject=Hello", Invited(NORA)),
        (f"ATTENDEE;CN=Müller^'s:mailto:{NORA}", Invited(NORA, 'Müller"s')),
        (f"attendee;partstat=accepted:mailto:{NORA}", Invited(NORA, "", "ACCEPTED")),
        (f"ATTENDEE;PARTSTAT=X-LATER:mailto:{NORA}", Invited(NORA, "", "X-LATER")),
        ("ATTENDEE:invalid:nomail", None),
        ("ATTENDEE:mailto:", None),
        ("ATTENDEE:mailto:nobody", None),
    ],
)  # fmt: skip
def test_people(line: str, person: Invited | None) -> None:
    assert read("DTSTART:20261125T140000Z", line).attendees == ((person,) if person else ())


@pytest.mark.parametrize(
    ("lines", "sequence", "stamp"),
    [
        (("SEQUENCE:3", "DTSTAMP:20261120T090000Z"), 3, at(20, 9)),
        (("DTSTAMP:20261120T090000Z",), 0, at(20, 9)),
        (("SEQUENCE:-4",), 0, None),
        (("SEQUENCE:many", "DTSTAMP:lately"), 0, None),
        (("SEQUENCE:99999999999999999999",), 0, None),
        (("DTSTAMP:20261120T090000Z", "LAST-MODIFIED:20261121T090000Z"), 0, at(20, 9)),
    ],
)
def test_versions(lines: tuple[str, ...], sequence: int, stamp: datetime | None) -> None:
    meeting = read("DTSTART:20261125T140000Z", *lines)

    assert (meeting.sequence, meeting.dtstamp) == (sequence, stamp)


def test_an_entry_of_a_calendar_is_as_old_as_its_last_change() -> None:
    lines = ("DTSTAMP:20261120T090000Z", "LAST-MODIFIED:20261121T090000Z", "DTSTART:20261125T140000Z")
    [meeting] = read_calendar(calendar(None, ["BEGIN:VEVENT", "UID:u", *lines, "END:VEVENT"])).meetings

    assert meeting.dtstamp == at(21, 9)


@pytest.mark.parametrize(
    ("line", "is_private"),
    [
        ("CLASS:PUBLIC", False),
        ("CLASS:public", False),
        ("CLASS:PRIVATE", True),
        ("CLASS:Confidential", True),
        ("CLASS:X-SECRET", True),
        ("SUMMARY:Private", False),
    ],
)
def test_privacy(line: str, is_private: bool) -> None:
    assert read("DTSTART:20261125T140000Z", line).is_private == is_private


@pytest.mark.parametrize(
    ("lines", "summary", "location", "description"),
    [
        (("SUMMARY:Demo\\, part 2\\; at last",), "Demo, part 2; at last", "", ""),
        (("SUMMARY;LANGUAGE=de:Vorf\u00fchrung",), "Vorf\u00fchrung", "", ""),
        (("SUMMARY:A ti\r\n tle that is fol\r\n\tded",), "A title that is folded", "", ""),
        (("SUMMARY:Two\\nlines",), "Two lines", "", ""),
        (("SUMMARY:bell\x07", "LOCATION:https://example.zoom.us/j/123"), "bell", "https://example.zoom.us/j/123", ""),
        (("DESCRIPTION:Join\\n\\nhttps://x.example\\NBye",), "", "", "Join\n\nhttps://x.example\nBye"),
        (("DESCRIPTION:" + "x" * 40_000,), "", "", "x" * 32_000),
        (("SUMMARY:" + "y" * 2_000,), "y" * 998, "", ""),
    ],
)
def test_texts(lines: tuple[str, ...], summary: str, location: str, description: str) -> None:
    meeting = read("DTSTART:20261125T140000Z", *lines)

    assert (meeting.summary, meeting.location, meeting.description) == (summary, location, description)


@pytest.mark.parametrize("method", ["REQUEST", "REPLY", "CANCEL", "COUNTER", "PUBLISH", "ADD", "REFRESH"])
def test_every_method_is_told(method: str) -> None:
    assert read_calendar(calendar(method.lower(), event())).method == method


def test_of_two_versions_in_one_calendar_the_newer_counts() -> None:
    whole = calendar("REQUEST", event(sequence=1, hour=16), event(sequence=0), event(uid="uid-2"))

    assert [(each.uid, each.start) for each in read_calendar(whole).meetings] == [
        ("uid-1", at(25, 16)),
        ("uid-2", at(25, 14)),
    ]


def test_what_is_no_meeting_is_passed_over() -> None:
    to_do = ["BEGIN:VTODO", "UID:t", "DTSTART:20261125T140000Z", "END:VTODO"]
    alarm = ["BEGIN:VALARM", "TRIGGER:-PT15M", "SUMMARY:Hurry", "END:VALARM"]

    found = read_calendar(calendar(None, to_do, event(*alarm), ["BEGIN:VEVENT", "SUMMARY:no UID", "END:VEVENT"]))
    assert [(each.uid, each.summary) for each in found.meetings] == [("uid-1", "Demo")]
