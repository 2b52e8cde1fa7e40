"""What a form can be filled with: a person's first and last name, and a company, from what mails say."""

import re
from dataclasses import dataclass

from workspaces.free_mail import is_free_mail

FIRST_NAME, LAST_NAME, COMPANY = 40, 80, 255
"""Characters that Salesforce's standard fields hold."""

_PARTICLES = frozenset(
    ("al", "bin", "da", "de", "del", "den", "der", "di", "dos", "du", "la", "le", "ter", "van", "vom", "von", "zu")
)
_TITLES = frozenset(("dr", "mr", "mrs", "ms", "mx", "prof", "ing", "dipl.-ing", "herr", "frau"))
# What senders add behind a name: "Grace Hopper (Navy)", "Grace Hopper via Forum", "Grace Hopper | Navy".
_ADDED = re.compile(r"\s*(?:[(\[<].*|[|/–—].*|\s-\s.*|\svia\s.*)$", re.IGNORECASE)
# In co.uk, com.au and their like the name stands one further to the left.
_SECOND_LEVELS = frozenset(("ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"))
_SEPARATORS = re.compile(r"[._+-]+|\d+")


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as Salesforce takes it; either part can be empty."""

    first: str = ""
    last: str = ""


def split_name(display_name: str, address: str) -> Name:
    """First and last name out of a mail's display name, else out of the address.

    split_name("Hopper, Grace", …)          # Grace, Hopper
    split_name("Vincent van Gogh", …)       # Vincent, van Gogh
    split_name("", "grace.hopper@navy.mil") # Grace, Hopper
    """
    text = _ADDED.sub("", " ".join(display_name.split()).strip("'\"“”’ ")).strip(" ,")
    if "@" in text or not any(map(str.isalpha, text)):
        return _from_address(address)
    last, comma, first = (part.strip() for part in text.partition(","))
    if comma and first:
        return _cut(_without_titles(first.split()), _without_titles(last.split()))
    words = _without_titles(text.replace(",", " ").split())
    start = len(words) - 1
    while start > 1 and words[start - 1].lower() in _PARTICLES:
        start -= 1
    return _cut(words[:start], words[start:])


def guess_company(address: str) -> str:
    """The company behind an address: the name in its domain; empty for providers of free mail."""
    domain = address.rpartition("@")[2]
    if is_free_mail(domain):
        return ""
    labels = domain.split(".")[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVELS:
        labels.pop()
    return _SEPARATORS.sub(" ", labels[-1]).strip().title()[:COMPANY] if labels else ""


def _from_address(address: str) -> Name:
    words = [word.capitalize() for word in _SEPARATORS.split(address.partition("@")[0]) if word]
    return _cut(words[:-1], words[-1:])


def _without_titles(words: list[str]) -> list[str]:
    kept = [word for word in words if word.lower().rstrip(".") not in _TITLES]
    return kept or words


def _cut(first: list[str], last: list[str]) -> Name:
    return Name(" ".join(first)[:FIRST_NAME].strip(), " ".join(last)[:LAST_NAME].strip())
