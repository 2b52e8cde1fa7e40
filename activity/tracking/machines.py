"""Telling machines from people, and repeated hits from new ones. Pure.

A machine is taken for one when its request says so, when it comes before anybody can have read the message, or when
nearly all links of a copy are followed at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from activity.tracking.tokens import Purpose

TOO_SOON = timedelta(seconds=10)
"""After sending; a delivery and a glance take longer."""
AT_ONCE = timedelta(seconds=5)
MANY = 5
"""So many links in that time nobody follows, however many there are."""
FOLD = timedelta(minutes=10)
"""The same thing again within this time is the same visit."""

_PREFETCHING = {"Purpose": "prefetch", "Sec-Purpose": "prefetch", "X-Purpose": "preview", "X-Moz": "prefetch"}


@dataclass(frozen=True, slots=True)
class Hit:
    """A request for one address of a copy."""

    purpose: str
    position: int
    at: datetime
    says_machine: bool = False


@cache
def _known_programs() -> tuple[frozenset[str], tuple[str, ...]]:
    """Whole names, and parts of names."""
    text = Path(__file__).with_name("machines.txt").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    return (
        frozenset(name[1:] for name in names if name.startswith("=")),
        tuple(name for name in names if not name.startswith("=")),
    )


def says_machine(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request itself tells that no person made it."""
    agent = headers.get("User-Agent", "").strip().lower()
    whole, parts = _known_programs()
    if method == "HEAD" or not agent or agent in whole or any(part in agent for part in parts):
        return True
    return any(word in headers.get(name, "").lower() for name, word in _PREFETCHING.items())


def is_by_machine(hit: Hit, sent_at: datetime, others: Iterable[Hit], targets: int) -> bool:
    """Whether a machine made the hit; `others` are all hits of the same copy, which has so many `targets`."""
    if hit.says_machine or hit.at < sent_at + TOO_SOON:
        return True
    followed = {each.position for each in others if each.purpose != Purpose.OPEN and abs(each.at - hit.at) <= AT_ONCE}
    return len(followed) >= max(2, min(targets, MANY))


def is_repeated(at: datetime, counted: Sequence[datetime]) -> bool:
    """Whether a hit belongs to one that was counted before: of the same address, both by a machine or both not."""
    return any(abs(at - each) < FOLD for each in counted)
