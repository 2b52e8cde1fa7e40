"""Calendars that are meant to do harm: every class of it, in several sizes."""

import random
from collections.abc import Callable, Iterator

HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
TAIL = b"END:VCALENDAR\r\n"
SIZES = (10, 1_000, 20_000, 100_000)


def event(*lines: bytes, start: bytes = b"DTSTART:20261125T140000Z", uid: bytes = b"bomb") -> bytes:
    """A VEVENT with these lines."""
    return b"\r\n".join(
        [b"BEGIN:VEVENT", b"UID:" + uid, b"DTSTAMP:20261120T090000Z", start, *lines, b"END:VEVENT", b""]
    )


def whole(*inside: bytes) -> bytes:
    return HEAD + b"".join(inside) + TAIL


def with_lines(*lines: bytes, **changes: bytes) -> bytes:
    return whole(event(*lines, **changes))


def components(count: int, name: bytes) -> bytes:
    return whole((b"BEGIN:%s\r\nUID:1\r\nEND:%s\r\n" % (name, name)) * count)


def nested(depth: int, name: bytes) -> bytes:
    return whole((b"BEGIN:%s\r\n" % name) * depth + (b"END:%s\r\n" % name) * depth)


def zone(rule: bytes, *, tzid: bytes = b"Bomb", observances: int = 1) -> bytes:
    """A meeting in a zone of its own, whose changes follow the rule."""
    inside = (
        b"BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n%s\r\n"
        b"END:STANDARD\r\n" % rule
    )
    made = b"BEGIN:VTIMEZONE\r\nTZID:%s\r\n%sEND:VTIMEZONE\r\n" % (tzid, inside * observances)
    return whole(made, event(start=b"DTSTART;TZID=" + tzid + b":20261125T140000"))


def dates(name: bytes, count: int, *, per_line: int = 100) -> bytes:
    values = [b"2027%02d%02dT%02d0000Z" % (number % 12 + 1, number % 28 + 1, number % 24) for number in range(count)]
    lines = (name + b":" + b",".join(values[at : at + per_line]) for at in range(0, count, per_line))
    return with_lines(b"RRULE:FREQ=WEEKLY", *lines)


GROWING: dict[str, Callable[[int], bytes]] = {
    "bytes": lambda n: with_lines(b"DESCRIPTION:" + b"x" * n * 11),
    "events": lambda n: components(n, b"VEVENT"),
    "to-dos": lambda n: components(n, b"VTODO"),
    "unknown components": lambda n: components(n, b"X-BOMB"),
    "zones": lambda n: components(n, b"VTIMEZONE"),
    "depth of events": lambda n: nested(n, b"VEVENT"),
    "depth of calendars": lambda n: nested(n, b"VCALENDAR"),
    "depth of zones": lambda n: nested(n, b"VTIMEZONE"),
    "depth of unknown": lambda n: nested(n, b"X"),
    "begins only": lambda n: HEAD + b"BEGIN:VEVENT\r\n" * n,
    "ends only": lambda n: HEAD + b"END:VEVENT\r\n" * n,
    "RDATEs": lambda n: dates(b"RDATE", n),
    "RDATEs one by one": lambda n: dates(b"RDATE", n, per_line=1),
    "RDATEs in one line": lambda n: dates(b"RDATE", n, per_line=n),
    "EXDATEs": lambda n: dates(b"EXDATE", n),
    "EXDATEs one by one": lambda n: dates(b"EXDATE", n, per_line=1),
    "RRULEs": lambda n: with_lines(*[b"RRULE:FREQ=DAILY"] * n),
    "EXRULEs": lambda n: with_lines(*[b"EXRULE:FREQ=SECONDLY"] * n),
    "COUNT": lambda n: with_lines(b"RRULE:FREQ=DAILY;COUNT=%d" % n**3),
    "INTERVAL": lambda n: with_lines(b"RRULE:FREQ=DAILY;INTERVAL=%d" % n**3),
    "BYMONTHDAY": lambda n: with_lines(b"RRULE:FREQ=MONTHLY;BYMONTHDAY=" + b",".join([b"1"] * n)),
    "BYSETPOS": lambda n: with_lines(b"RRULE:FREQ=YEARLY;BYSETPOS=" + b",".join([b"366"] * min(n, 1_900))),
    "BYHOUR to BYSECOND": lambda n: with_lines(
        b"RRULE:FREQ=DAILY;BYHOUR=%s;BYMINUTE=%s;BYSECOND=%s"
        % tuple(b",".join(b"%d" % each for each in range(min(n, most))) for most in (24, 60, 60))
    ),
    "folds": lambda n: with_lines(b"DESCRIPTION:a" + b"\r\n " * n),
    "folded letters": lambda n: with_lines(b"SUMMARY:" + b"\r\n x" * n),
    "blank lines": lambda n: with_lines(*[b""] * n),
    "quoted parameters": lambda n: with_lines(b'ATTENDEE;CN="' + b"x;:," * n + b'":mailto:a@b.example'),
    "open quotes": lambda n: with_lines(b"ATTENDEE;CN=" + b'"' * n + b":mailto:a@b.example"),
    "parameters": lambda n: with_lines(b"ATTENDEE" + b";X=Y" * n + b":mailto:a@b.example"),
    "values of a parameter": lambda n: with_lines(b"ATTENDEE;MEMBER=" + b'"x",' * n + b'"y":mailto:a@b.example'),
    "escapes": lambda n: with_lines(b"SUMMARY:" + b"\\" * n),
    "carets": lambda n: with_lines(b"ATTENDEE;CN=" + b"^" * n + b":mailto:a@b.example"),
    "attendees": lambda n: with_lines(*[b"ATTENDEE:mailto:a%d@b.example" % number for number in range(n)]),
    "attendees between alarms": lambda n: with_lines(
        *[b"ATTENDEE:mailto:a@b.example\r\nBEGIN:VALARM\r\nEND:VALARM"] * n
    ),
    "organizers": lambda n: with_lines(*[b"ORGANIZER:mailto:a@b.example"] * n),
    "attached base64": lambda n: with_lines(b"ATTACH;ENCODING=BASE64;VALUE=BINARY:" + b"QUJD" * n),
    "duplicate UIDs": lambda n: whole(event() * min(n, 990)),
    "duplicate starts": lambda n: with_lines(*[b"DTSTART:20261125T140000Z"] * n),
    "NULs": lambda n: with_lines(b"SUMMARY:" + b"\0" * n),
    "control characters": lambda n: with_lines(b"SUMMARY:" + b"\x01\x1b\x7f" * n),
    "sequence": lambda n: with_lines(b"SEQUENCE:" + b"9" * min(n, 8_000)),
    "categories": lambda n: with_lines(b"CATEGORIES:" + b"a," * n),
    "observances": lambda n: zone(b"", observances=min(n, 1_500)),
    "long UID": lambda n: with_lines(uid=b"u" * n),
    "long address": lambda n: with_lines(b"ORGANIZER:mailto:" + b"a" * n + b"@b.example"),
}

RULES = {
    "every second": b"FREQ=SECONDLY",
    "every second, counted": b"FREQ=SECONDLY;COUNT=1000000000",
    "every second until the end": b"FREQ=SECONDLY;UNTIL=99991231T235959Z",
    "every minute": b"FREQ=MINUTELY",
    "every hour": b"FREQ=HOURLY",
    "frequency behind spaces": b"FREQ = SECONDLY",
    "lower case": b"freq=secondly",
    "two frequencies": b"FREQ=DAILY;FREQ=SECONDLY",
    "a day that never comes": b"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "a day that never comes, counted": b"FREQ=DAILY;COUNT=10;BYMONTH=2;BYMONTHDAY=30",
    "a week that never comes": b"FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "until the year 9999": b"FREQ=DAILY;UNTIL=99991231T000000Z",
    "until before the start": b"FREQ=DAILY;UNTIL=19700101T000000Z",
    "until the year 0": b"FREQ=DAILY;UNTIL=00000101T000000Z",
    "never": b"FREQ=DAILY;COUNT=0",
    "negative count": b"FREQ=DAILY;COUNT=-5",
    "negative interval": b"FREQ=DAILY;INTERVAL=-1",
    "interval 0": b"FREQ=DAILY;INTERVAL=0",
    "no frequency": b"COUNT=10",
    "garbage": b"\xff\xfe;;;==",
    "every instant of a day": b"FREQ=DAILY;BYHOUR=%s;BYMINUTE=%s;BYSECOND=%s"
    % tuple(b",".join(b"%d" % each for each in range(most)) for most in (24, 60, 60)),
    "no weekday": b"FREQ=WEEKLY;BYDAY=XX",
    "the thousandth Monday": b"FREQ=YEARLY;BYDAY=1000MO",
    "last position": b"FREQ=YEARLY;BYDAY=MO,TU;BYSETPOS=-366",
}
STARTS = {
    "year 0": b"DTSTART:00000101T000000Z",
    "year 1": b"DTSTART:00010101T000000Z",
    "year 9999": b"DTSTART:99991231T235959Z",
    "year 9999 in the west": b"DTSTART;TZID=America/Los_Angeles:99991231T235959",
    "year 1 in the east": b"DTSTART;TZID=Asia/Tokyo:00010101T000000",
    "30 February": b"DTSTART:20260230T100000Z",
    "a period": b"DTSTART;VALUE=PERIOD:20261125T140000Z/PT1H",
    "text": b"DTSTART:tomorrow",
    "nothing": b"DTSTART:",
    "a zone that is none": b"DTSTART;TZID=../../../etc/passwd:20261125T140000",
    "a zone with NUL": b"DTSTART;TZID=Eur\0ope/Berlin:20261125T140000",
    "a long zone": b"DTSTART;TZID=" + b"A/" * 3_000 + b":20261125T140000",
    "hour 99": b"DTSTART:20261125T990000Z",
    "leap second": b"DTSTART:20261125T235960Z",
}
OTHERS = {
    "negative duration": b"DURATION:-P9999999D",
    "endless duration": b"DURATION:P999999999999999999D",
    "broken duration": b"DURATION:PT",
    "end before start": b"DTEND:19700101T000000Z",
    "end of another kind": b"DTEND;VALUE=DATE:20261126",
    "end in the year 9999": b"DTEND:99991231T235959Z",
    "recurrence id of the year 0": b"RECURRENCE-ID:00000101T000000Z",
    "negative sequence": b"SEQUENCE:-99999999999999999999",
    "organizer without address": b"ORGANIZER:mailto:",
    "organizer twice quoted": b'ORGANIZER;CN=""a"":mailto:a@b.example',
    "path as address": b"ATTENDEE:/etc/passwd",
    "line without a colon": b"ATTENDEE",
    "line of colons": b"ATTENDEE" + b":" * 5_000,
    "unknown class": b"CLASS:" + b"X" * 5_000,
    "empty lines of folds": b"\r\n \r\n \r\n ",
    "bad UTF-8": b"SUMMARY:\xff\xfe\xc0\x80\xed\xa0\x80",
    "characters from outside": "SUMMARY:\U0001f4a3\u202e\ufeff\u2028".encode(),
}
ZONES = {
    "never-ending seconds": b"RRULE:FREQ=SECONDLY",
    "daily since 1601": b"RRULE:FREQ=DAILY",
    "monthly since 1601": b"RRULE:FREQ=MONTHLY;BYDAY=1SU",
    "a day that never comes": b"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "a list of dates": b"RDATE:" + b",".join([b"20260101T000000"] * 1_500),
    "no rule": b"",
    "garbage": b"RRULE:\xff",
    "an offset of a century": b"TZOFFSETTO:+9999999",
    "its own zone": b"DTSTART;TZID=Bomb:20260101T000000",
}


def bombs() -> Iterator[tuple[str, bytes]]:
    """(name, calendar) of the whole corpus."""
    for name, make in GROWING.items():
        yield from ((f"{name} {size}", make(size)) for size in SIZES)
    for name, rule in RULES.items():
        yield name, with_lines(b"RRULE:" + rule)
        yield f"{name}, since 1971", with_lines(b"RRULE:" + rule, start=b"DTSTART:19710101T000000Z")
        yield f"{name}, whole days", with_lines(b"RRULE:" + rule, start=b"DTSTART;VALUE=DATE:20260101")
    for name, start in STARTS.items():
        yield f"start: {name}", with_lines(start=start)
        yield f"repeated start: {name}", with_lines(b"RRULE:FREQ=DAILY", start=start)
    yield from ((name, with_lines(line)) for name, line in OTHERS.items())
    for name, rule in ZONES.items():
        yield f"zone: {name}", zone(rule)
    yield "zone that is a known one", zone(b"", tzid=b"Europe/Berlin")
    yield "zone without a name", zone(b"", tzid=b"")
    yield "UTF-16", whole(event()).decode().encode("utf-16")
    yield "nothing", b""
    yield "only a head", HEAD
    yield "an HTML page", b"<html><body>Not found</body></html>"
    yield "two calendars", whole(event()) * 2
    yield "cut off", whole(event())[:-30]
    yield "carriage returns", whole(event()).replace(b"\r\n", b"\r")
    yield from _damaged(random.Random(5545))


def _damaged(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """A good calendar in which bytes were changed, cut out and doubled."""
    good = whole(event(b"RRULE:FREQ=WEEKLY;COUNT=5", b"ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example"))
    for number in range(60):
        raw = bytearray(good)
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        yield f"damaged {number}", bytes(raw)
