"""Delivery reports (RFC 3464): which message of ours did not reach whom."""

import re
from dataclasses import dataclass

from integrations.mailbox.headers import Headers
from integrations.mailbox.limits import BOUNCED
from integrations.mailbox.structure import Part, split

_MESSAGE_ID = re.compile(rb"<\s*([^<>\s]{1,996})\s*>")
_BLANK_LINES = re.compile(rb"\r?\n[ \t]*\r?\n")
_ADDRESS = re.compile(r"[^\s<>;]+@[^\s<>;]+")


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report. `message_id`: of the message that was sent, or empty where the report does not carry it;
    `recipients`: the addresses that failed for good, as written.
    """

    message_id: str
    recipients: tuple[str, ...]


def read_bounce(parts: list[Part]) -> Bounce | None:
    """The failures that a message reports; None when it is no delivery report or reports no failure."""
    status = next((part for part in parts if part.type == "message/delivery-status"), None)
    if status is None:
        return None
    failed = []
    for block in _BLANK_LINES.split(status.content())[: BOUNCED + 1]:
        fields = Headers(block)
        if fields.text("action").lower() == "failed":
            address = _address(fields.text("original-recipient")) or _address(fields.text("final-recipient"))
            failed.append(address)
    recipients = tuple(dict.fromkeys(each for each in failed if each))
    return Bounce(_original_id(parts), recipients) if recipients else None


def _address(value: str) -> str:
    """`rfc822; nora@example.com` to the address; other types of addresses are not ours."""
    kind, _, rest = value.partition(";")
    found = _ADDRESS.search(rest)
    return found[0] if found and kind.strip().lower() in ("rfc822", "utf-8") else ""


def _original_id(parts: list[Part]) -> str:
    """The Message-ID in the part of the report that carries the message or its headers."""
    for part in parts:
        if part.type in ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"):
            block = split(part.content().lstrip(b"\r\n"))[0]
            if found := _MESSAGE_ID.search(Headers(block).raw("message-id")):
                return found[1].decode("utf-8", "replace")
    return ""
