"""A mail as Touchline needs it: who, to whom, what about, in answer to what, and its text. Nothing else is kept.

To be called in the bounded subprocess (parser.py) where the mail is a stranger's.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from integrations.mailbox.addresses import read_people
from integrations.mailbox.bounces import Bounce, read_bounce
from integrations.mailbox.headers import Headers, eight_bit
from integrations.mailbox.html_text import to_text
from integrations.mailbox.limits import (
    CALENDAR_BYTES,
    HEADERS_BYTES,
    RAW_BYTES,
    REFERENCES,
    TEXT_CHARACTERS,
    Unreadable,
)
from integrations.mailbox.structure import Part, Walk, split

_MESSAGE_ID = re.compile(r"<\s*([^<>\s]{1,996})\s*>")
NO_ID_DOMAIN = "no-message-id.invalid"


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """What was read. Addresses are as written, (address, name); `date` is UTC or None.

    `message_id`, `in_reply_to` and `references` (oldest first) stand without angle brackets. `message_id` is a
    fingerprint of date, people and subject where the mail has none, equal for each copy. `is_automatic`: an answer
    that no person wrote (RFC 3834). `may_be_bounce`: says that it is a delivery report (RFC 3464). `sensitivity`:
    RFC 2156, lower case. Only of whole messages: `text`, `calendars`, `bounce`.
    """

    message_id: str
    sender: tuple[str, str]
    to: tuple[tuple[str, str], ...] = ()
    cc: tuple[tuple[str, str], ...] = ()
    bcc: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    date: datetime | None = None
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    is_automatic: bool = False
    may_be_bounce: bool = False
    sensitivity: str = ""
    text: str = field(default="", repr=False)
    text_was_cut: bool = False
    calendars: tuple[str, ...] = field(default=(), repr=False)
    bounce: Bounce | None = None


def parse_headers(block: bytes) -> ParsedMail:
    """Read a header block. Raises Unreadable."""
    return ParsedMail(**_from_headers(Headers(block)))


def parse_message(raw: bytes) -> ParsedMail:
    """Read a message, or the beginning of a long one. Raises Unreadable."""
    if len(raw) > RAW_BYTES:
        raise Unreadable("too_large")
    block, body = split(raw)
    headers = Headers(block)
    found = _from_headers(headers)
    parts = list(Walk(headers, body).parts())
    text = _text_of(parts)
    return ParsedMail(
        **found,
        text=text[:TEXT_CHARACTERS],
        text_was_cut=len(text) > TEXT_CHARACTERS,
        calendars=_calendars_of(parts),
        bounce=read_bounce(parts),
    )


def _from_headers(headers: Headers) -> dict:
    people = {name: tuple(read_people(eight_bit(headers.all(name)))) for name in ("to", "cc", "bcc")}
    if sum(len(each) for each in people.values()) > 500:
        raise Unreadable("too_many_people")
    senders = read_people(eight_bit(headers.raw("from"))) or read_people(eight_bit(headers.raw("sender")))
    if not senders:
        raise Unreadable("no_sender")
    subject, date = headers.text("subject"), _date_of(headers)
    answered = _ids(headers.raw("in-reply-to", HEADERS_BYTES))
    return {
        "message_id": _message_id(headers) or _fingerprint(date, senders[0], people, subject),
        "sender": senders[0],
        **people,
        "subject": subject[:998],
        "date": date,
        "in_reply_to": answered[0] if answered else "",
        "references": tuple(_ids(headers.raw("references", HEADERS_BYTES)))[-REFERENCES:],
        "is_automatic": _is_automatic(headers),
        "may_be_bounce": _may_be_bounce(headers),
        "sensitivity": headers.text("sensitivity").lower()[:40],
    }


def _ids(value: bytes) -> list[str]:
    return _MESSAGE_ID.findall(eight_bit(value))


def _message_id(headers: Headers) -> str:
    value = headers.raw("message-id", HEADERS_BYTES)
    found = _ids(value)
    if found:
        return found[0]
    bare = eight_bit(value).strip(" <>")
    return bare if 0 < len(bare) < 997 and not bare.count(" ") else ""


def _fingerprint(date: datetime | None, sender: tuple[str, str], people: dict, subject: str) -> str:
    content = repr((date, sender[0].lower(), [[each[0].lower() for each in of] for of in people.values()], subject))
    return f"{hashlib.sha256(content.encode()).hexdigest()[:40]}@{NO_ID_DOMAIN}"


def _date_of(headers: Headers) -> datetime | None:
    try:
        found = parsedate_to_datetime(eight_bit(headers.raw("date"))[:100])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_automatic(headers: Headers) -> bool:
    """RFC 3834 §5, and what was used before it and beside it."""
    if headers.text("auto-submitted").lower().partition(";")[0].strip() not in ("", "no"):
        return True
    if headers.text("precedence").lower() in ("auto_reply", "bulk", "junk"):
        return True
    if headers.text("x-auto-response-suppress") and headers.has("x-ms-exchange-generated-message-source"):
        return True
    marks = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply")
    return any(headers.has(mark) and headers.text(mark).lower() != "no" for mark in marks)


def _may_be_bounce(headers: Headers) -> bool:
    fields = headers.parameters("content-type")
    return (
        fields.get_content_type() == "multipart/report"
        and "delivery" in str(fields.get_param("report-type", "delivery-status")).lower()
    )


def _text_of(parts: list[Part]) -> str:
    """The first readable text: plain where there is one that says something, else HTML."""
    readable = [part for part in parts if part.type in ("text/plain", "text/html")]
    for kind in ("text/plain", "text/html"):
        for part in readable:
            if part.type == kind and not part.is_attachment:
                text = to_text(part.text()) if kind == "text/html" else _tidy(part.text())
                if text:
                    return text
    return ""


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()


def _calendars_of(parts: list[Part]) -> tuple[str, ...]:
    found = [part for part in parts if part.type == "text/calendar" and len(part.body) <= CALENDAR_BYTES]
    return tuple(part.text() for part in found[:2])
