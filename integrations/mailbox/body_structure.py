"""Which messages have a calendar in them, by the server's BODYSTRUCTURE (RFC 3501 §7.4.2), no body fetched."""

from collections.abc import Sequence
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import ProtocolError

CALENDAR = (b"TEXT", b"CALENDAR")


def find_calendars(client: IMAPClient, uids: Sequence[int]) -> frozenset[int]:
    """The uids of the open folder's messages with a text/calendar part.

    A message whose structure cannot be read counts as one without, and is nobody else's trouble.
    """
    if not uids:
        return frozenset()
    try:
        answer = client.fetch(list(uids), ["BODYSTRUCTURE"])
    except (ProtocolError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        if len(uids) == 1:
            return frozenset()
        return frozenset().union(*(find_calendars(client, [uid]) for uid in uids))
    return frozenset(uid for uid in uids if _has_calendar(answer.get(uid, {}).get(b"BODYSTRUCTURE")))


def _has_calendar(structure: Any) -> bool:
    """Whether somewhere in the nested tuples and lists a part begins with its type text/calendar."""
    waiting = [structure]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, tuple | list):
            continue
        if len(part) > 1 and tuple(each.upper() for each in part[:2] if isinstance(each, bytes)) == CALENDAR:
            return True
        waiting += part
    return False
