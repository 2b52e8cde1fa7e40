"""Salesforce's record ids: stored and compared in their 18-character form only."""

import re

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\Z", re.ASCII)
_CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def id18(record_id: str) -> str:
    """The 18-character form of a 15- or 18-character id; raises ValueError when it is not one.

    Each of the three last characters tells which of five characters are capitals, so that the id survives
    systems that ignore case. An 18-character id whose last three do not fit is refused.
    """
    if not isinstance(record_id, str) or not _ID.match(record_id):
        raise ValueError("not a Salesforce id")
    first, given = record_id[:15], record_id[15:]
    check = "".join(_check_letter(first[start : start + 5]) for start in (0, 5, 10))
    if given and given.upper() != check:
        raise ValueError("not a Salesforce id")
    return first + check


def _check_letter(block: str) -> str:
    return _CHECK_LETTERS[sum(1 << bit for bit, letter in enumerate(block) if "A" <= letter <= "Z")]
