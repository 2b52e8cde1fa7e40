"""Folders of a mailbox and what they are for (RFC 6154 special use)."""

import re
from dataclasses import dataclass

_USES = ("inbox", "sent", "drafts", "junk", "trash", "all")
_SENT_NAMES = {"sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete elemente", "envoyés"}
_OTHER_NAMES = {"drafts": "drafts", "junk": "junk", "spam": "junk", "trash": "trash", "deleted items": "trash"}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it is named; `use`: inbox, sent, drafts, junk, trash, all or empty."""

    name: str
    use: str = ""


def use_of(name: str, flags: set[str]) -> str:
    """The use that a LIST answer gives away: by its flags (lower case), else by the name."""
    if name.upper() == "INBOX":
        return "inbox"
    for use in _USES:
        if f"\\{use}" in flags:
            return use
    last = re.split(r"[./]", name)[-1].strip().lower()
    return "sent" if last in _SENT_NAMES else _OTHER_NAMES.get(last, "")
