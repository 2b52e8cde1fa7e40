"""Invitations and what follows them, as calendar programs write them."""

from datetime import UTC, datetime

BEN = "ben@acme.example"
NORA = "nora.west@northwindtraders.example"
NADIA = "nadia.ruiz@northwindtraders.example"
START = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
STAMP = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def person(name: str, address: str, **parameters: str) -> str:
    """An ATTENDEE or ORGANIZER line."""
    fields = "".join(f";{key.replace('_', '-')}={value}" for key, value in parameters.items() if value)
    return f"{name}{fields}:mailto:{address}"


def event(
    *lines: str,
    uid: str = "uid-1",
    sequence: int = 0,
    minute: int = 0,
    hour: int | None = 14,
    organizer: str = BEN,
    attendees: dict[str, str] | None = None,
) -> list[str]:
    """A VEVENT: `minute` is how long after STAMP it was written, `hour` when it begins, `attendees` with PARTSTAT."""
    written = STAMP.replace(hour=9 + minute // 60, minute=minute % 60)
    people = {NORA: "NEEDS-ACTION"} if attendees is None else attendees
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"SEQUENCE:{sequence}",
        f"DTSTAMP:{utc(written)}",
        *([f"DTSTART:{utc(START.replace(hour=hour))}", f"DTEND:{utc(START.replace(hour=hour + 1))}"] if hour else []),
        "SUMMARY:Demo",
        "LOCATION:Room 1",
        "DESCRIPTION:Dear Nora\\,\\nlet us talk.",
        *([person("ORGANIZER", organizer, CN="Somebody")] if organizer else []),
        *(person("ATTENDEE", address, PARTSTAT=said) for address, said in people.items()),
        *lines,
        "END:VEVENT",
    ]


def calendar(method: str | None, *events: list[str], before: tuple[str, ...] = ()) -> bytes:
    """A VCALENDAR of these events."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Acme//Calendar 1//EN"]
    whole = [*head, *([f"METHOD:{method}"] if method else []), *before, *(line for each in events for line in each)]
    return "\r\n".join([*whole, "END:VCALENDAR", ""]).encode()
