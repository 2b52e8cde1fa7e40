"""The search line of the Live Feed: `is:opened to:acme.com subject:"price list" sent:2026-11-01..2026-11-10 hello`.

Pure: text in, FeedSearch out. Terms of one operator are alternatives, different operators and words must all hold.
What is not understood is named in `problems` and filters nothing, so that a typing error never shows an empty feed
without a word; what may be meant otherwise is named in `hints`.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches

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

# What other search lines call it; {} is the value.
_ELSEWHERE = {
    "before": "sent:..{}",
    "until": "sent:..{}",
    "after": "sent:{}..",
    "since": "sent:{}..",
    "date": "sent:{}",
    "on": "sent:{}",
    "cc": "to:{}",
    "bcc": "to:{}",
    "recipient": "to:{}",
    "sender": "from:{}",
    "by": "from:{}",
    "title": "subject:{}",
    "about": "subject:{}",
    "status": "is:{}",
}
# Words before a colon that are no operators, also where no space follows: addresses, and prefixes of answers.
_NO_OPERATORS = frozenset({"http", "https", "mailto", "tel", "re", "aw", "sv", "fw", "fwd", "wg"})

_TERM = re.compile(
    rf"(?P<minus>-(?=(?:{'|'.join(OPERATORS)}):))?"
    r'(?:(?P<operator>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))',
    re.IGNORECASE,
)
_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(slots=True)
class FeedSearch:
    """What was asked for. Texts are in lower case; `until` is the last day included.

    `problems` are sentences about what filters nothing, `hints` about what was taken for text.
    """

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
    hints: list[str] = field(default_factory=list)

    @property
    def reads_content(self) -> bool:
        """Whether it asks for what a private activity hides from others."""
        return bool(self.to or self.sender or self.subjects or self.words or self.is_unsynced)


def parse_search(text: str, today: date) -> FeedSearch:
    """Read a search line; `today` is the day in the person's time zone, for `sent:today` and `sent:yesterday`."""
    search = FeedSearch()
    for term in _TERM.finditer(text[:LONGEST].replace("\0", " ")):
        _read_term(search, term, today)
    return search


def _read_term(search: FeedSearch, term: re.Match[str], today: date) -> None:
    value = (term["quoted"] if term["bare"] is None else term["bare"]).strip().lower()
    operator = (term["operator"] or "").lower()
    if not operator and value.endswith(":") and value[:-1] in OPERATORS:
        operator, value = value[:-1], ""
    if term["minus"]:
        search.problems.append(f"Things cannot be left out with a minus yet: “-{operator}:” is ignored.")
    elif operator in OPERATORS and not value:
        search.problems.append(f"Say what after “{operator}:”, without a space between.")
    elif operator in OPERATORS:
        _READERS[operator](search, value, today)
    elif operator or value:
        search.words.append(f"{operator}:{value}" if operator else value)
        if operator and value and not value.startswith("//") and operator not in _NO_OPERATORS:
            search.hints.append(_hint(operator, f'"{value}"' if " " in value else value))


def _hint(operator: str, value: str) -> str:
    """What to say about a word that looks like an operator."""
    near = get_close_matches(operator, OPERATORS, n=1)
    meant = _ELSEWHERE.get(operator) or (f"{near[0]}:{{}}" if near else "")
    known = ", ".join(f"{each}:" for each in OPERATORS)
    advice = f"Did you mean “{meant.format(value)}”?" if meant else f"Operators are {known}."
    return f"“{operator}:” is no operator, so “{operator}:{value}” is searched for as text. {advice}"


def _read_is(search: FeedSearch, value: str, today: date) -> None:
    if value in IS_KINDS:
        search.kinds.update(IS_KINDS[value])
    elif value == "private":
        search.is_private = True
    elif value == "unsynced":
        search.is_unsynced = True
    else:
        known = (*IS_KINDS, *IS_FLAGS)
        near = get_close_matches(value, known, n=1)
        advice = f"Did you mean “is:{near[0]}”?" if near else f"Try one of: {', '.join(known)}."
        search.problems.append(f"“is:{value}” is not known. {advice}")


def _read_sent(search: FeedSearch, value: str, today: date) -> None:
    first, dots, last = value.partition("..")
    try:
        since, end = _read_days(first, today) if first or not last else (None, None)
        until = _read_days(last, today)[1] if last else (None if dots else end)
    except ValueError:
        example = f"sent:{today}, a month like sent:{today:%Y-%m}, or a range like sent:{today:%Y-%m}-01..{today}"
        search.problems.append(f"“sent:{value}” is not understood. Write a date like {example}.")
        return
    if search.since or search.until:
        search.problems.append("Only the last “sent:” counts. For several days write a range, with two dots.")
    if since and until and until < since:
        since, until = _read_days(last, today)[0], end
    search.since, search.until = since, until


def _read_days(text: str, today: date) -> tuple[date, date]:
    """The first and the last day of a day or a month. Raises ValueError."""
    near = {"today": today, "yesterday": today - timedelta(days=1)}
    if month := _MONTH.fullmatch(text):
        first = date.fromisoformat(f"{text}-01")
        last = first.replace(day=calendar.monthrange(int(month[1]), int(month[2]))[1])
    else:
        first = last = near[text] if text in near else date.fromisoformat(text)
    if first.year not in YEARS:
        raise ValueError(text)
    return first, last


_READERS: dict[str, Callable[[FeedSearch, str, date], None]] = {
    "is": _read_is,
    "to": lambda search, value, today: search.to.append(value),
    "from": lambda search, value, today: search.sender.append(value),
    "subject": lambda search, value, today: search.subjects.append(value),
    "sent": _read_sent,
}
