"""Calendars that are meant to do harm: each stays within 5 s and 512 MB, and the next good one is read."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from integrations.calendar.messages import REFUSALS, CalendarRefused
from integrations.mailbox.parser import MailParser
from tests.integrations.calendar.bombs import HEAD, TAIL, bombs, event, nested, whole, with_lines, zone
from tests.integrations.mailbox.test_hostile import peak_megabytes

GOOD = whole(event(b"DTEND:20261125T150000Z", b"SUMMARY:Demo"))
MAIL = b"From: a@b.example\r\nSubject: Hello\r\n\r\nGood morning"
SECONDS, MEGABYTES = 5.0, 512


@pytest.fixture
def parser() -> Iterator[MailParser]:
    made = MailParser(processes=1)
    yield made
    made.close()


def outcome(parser: MailParser, data: bytes) -> str:
    """`read`, or why not."""
    try:
        found = parser.calendar(data, "Europe/Berlin")
    except CalendarRefused as error:
        return error.reason
    assert all(len(meeting.instances) <= 100 and len(meeting.attendees) <= 500 for meeting in found.meetings)
    return "read"


def seconds_for(parser: MailParser, data: bytes) -> float:
    """How long it takes; again where it took long, for the machine may have been busy with others."""
    took = SECONDS + 1
    for _ in range(2):
        if took > SECONDS:
            began = time.monotonic()
            outcome(parser, data)
            took = time.monotonic() - began
    return took


def test_hundreds_of_hostile_calendars_cost_little_and_the_next_good_one_is_read(parser: MailParser) -> None:
    corpus = list(bombs())
    good = parser.calendar(GOOD)
    slow, spoiled, outcomes = [], [], Counter()
    for name, data in corpus:
        outcomes[outcome(parser, data)] += 1
        if seconds_for(parser, data) > SECONDS:
            slow.append(name)
        if parser.calendar(GOOD) != good:
            spoiled.append(name)
    peak = peak_megabytes(parser)
    print(f"{len(corpus)} calendar bombs: {dict(outcomes)}; most memory {peak:.0f} MB")  # noqa: T201 - for the record

    assert len(corpus) >= 300
    assert (slow, spoiled) == ([], [])
    assert outcomes.keys() <= REFUSALS.keys() | {"read"}
    assert [meeting.summary for meeting in good.meetings] == ["Demo"]
    assert parser.message(MAIL).text == "Good morning"
    assert peak < MEGABYTES


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (whole(event(b"DESCRIPTION:" + b"x" * 1024 * 1024)), "too_large"),
        (whole(b"BEGIN:VTODO\r\nEND:VTODO\r\n" * 1_000), "too_many_components"),
        (nested(5, b"VEVENT"), "too_deep"),
        (with_lines(*[b"ATTENDEE:mailto:a@b.example"] * 501), "too_many_people"),
        (with_lines(b"EXDATE:" + b",".join([b"20270101T000000Z"] * 2_001)), "too_many_dates"),
        (with_lines(b"RRULE:FREQ=DAILY", b"RRULE:FREQ=DAILY"), "too_many_dates"),
        (with_lines(*[b"X-A:b"] * 20_000), "too_many_lines"),
        (with_lines(b"SUMMARY:" + b"x" * 9_000), "line_too_long"),
        (with_lines(b"RRULE:FREQ=HOURLY"), "too_frequent"),
        (zone(b"RRULE:FREQ=MINUTELY"), "too_frequent"),
        (HEAD, "broken"),
        (b"", "broken"),
        (HEAD + b"END:VEVENT\r\n" + TAIL, "broken"),
    ],
)
def test_each_limit_gives_its_reason(parser: MailParser, data: bytes, reason: str) -> None:
    assert outcome(parser, data) == reason


@pytest.mark.parametrize(
    "data",
    [
        whole(b"BEGIN:VTODO\r\nEND:VTODO\r\n" * 999),
        nested(4, b"VEVENT"),
        with_lines(*[b"ATTENDEE:mailto:a@b.example"] * 500),
        with_lines(b"EXDATE:" + b",".join([b"20270101T000000Z"] * 2_000)),
        with_lines(b"RRULE:FREQ=DAILY"),
    ],
)
def test_what_is_just_within_the_limits_is_read(parser: MailParser, data: bytes) -> None:
    assert outcome(parser, data) == "read"


def test_a_zone_that_one_calendar_defines_is_unknown_to_the_next(parser: MailParser) -> None:
    defined = zone(b"", tzid=b"Our Zone")
    without = with_lines(start=b"DTSTART;TZID=Our Zone:20261125T140000")

    starts = [parser.calendar(data, "America/New_York").meetings[0].start for data in (defined, without)]
    assert [start.isoformat() for start in starts] == ["2026-11-25T13:00:00+00:00", "2026-11-25T19:00:00+00:00"]
