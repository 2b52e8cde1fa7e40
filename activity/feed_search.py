"""The search line of the Live Feed: `is:opened to:acme.com subject:"price list" sent:2026-11-01..2026-11-10 hello`.

Pure: text in, FeedSearch out. Terms of one operator are alternatives, different operators and words must all hold.
What is not understood is named in `problems` and filters nothing, so that a typing error never shows an empty feed
without a word.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from activity.models import Kind

IS_KINDS: dict[str, tuple[Kind, ...]] = {
    "opened": (Kind.OPENED,),
    "clicked": (Kind.CLICKED,),
    "downloaded": (Kind.DOWNLOADED,),
    "replied": (Kind.REPLIED,),
    "received": (Kind.RECEIVED,),
    "sent": (Kind.SENT,),
    "meeting": (Kind.MEETING_CONFIRMED, Kind.MEETING_CANCELED),
    "bounced": (Kind.BOUNCED,),
}
IS_FLAGS = ("private", "unsynced")
OPERATORS = ("is", "to", "from", "subject", "sent")
LONGEST = 500
# Beyond these a day in some time zone is no moment any more.
YEARS = range(2000, 3000)

_TERM = re.compile(r'(?:(?P<operator>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))')


@dataclass(slots=True)
class FeedSearch:
    """What was asked for. Texts are in lower case; `until` is the last day included; `problems` are sentences."""

    kinds: set[Kind] = field(default_factory=set)
    is_private: bool = False
    is_unsynced: bool = False
    to: list[str] = field(default_factory=list)
    sender: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    since: date | None = None
    until: date | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def reads_content(self) -> bool:
        """Whether it asks for what a private activity hides from others."""
        return bool(self.to or self.sender or self.subjects or self.words or self.is_unsynced)


def parse_search(text: str, today: date) -> FeedSearch:
    """Read a search line; `today` is the day in the person's time zone, for `sent:today` and `sent:yesterday`."""
    search = FeedSearch()
    for term in _TERM.finditer(text[:LONGEST].replace("\0", " ")):
        value = (term["quoted"] if term["bare"] is None else term["bare"]).strip().casefold()
        operator = (term["operator"] or "").casefold()
        if operator in OPERATORS:
            if value:
                _READERS[operator](search, value, today)
            else:
                search.problems.append(f"Say what after “{operator}:”.")
        elif operator or value:
            search.words.append(f"{operator}:{value}" if operator else value)
    return search


def _read_is(search: FeedSearch, value: str, today: date) -> None:
    if value in IS_KINDS:
        search.kinds.update(IS_KINDS[value])
    elif value == "private":
        search.is_private = True
    elif value == "unsynced":
        search.is_unsynced = True
    else:
        known = ", ".join((*IS_KINDS, *IS_FLAGS))
        search.problems.append(f"“is:{value}” is not known. Try one of: {known}.")


def _read_sent(search: FeedSearch, value: str, today: date) -> None:
    first, dots, last = value.partition("..")
    try:
        since = _read_day(first, today) if first or not last else None
        until = _read_day(last, today) if last else (None if dots else since)
    except ValueError:
        search.problems.append("Write a date like sent:2026-11-23, or a range like sent:2026-11-01..2026-11-23.")
        return
    if since and until and until < since:
        since, until = until, since
    search.since, search.until = since, until


def _read_day(text: str, today: date) -> date:
    near = {"today": today, "yesterday": today - timedelta(days=1)}
    day = near[text] if text in near else date.fromisoformat(text)
    if day.year not in YEARS:
        raise ValueError(text)
    return day


_READERS: dict[str, Callable[[FeedSearch, str, date], None]] = {
    "is": _read_is,
    "to": lambda search, value, today: search.to.append(value),
    "from": lambda search, value, today: search.sender.append(value),
    "subject": lambda search, value, today: search.subjects.append(value),
    "sent": _read_sent,
}
