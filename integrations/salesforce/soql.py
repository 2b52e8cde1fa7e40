"""Queries, built only here: column names that look like names, and values that are typed and escaped.

A value enters a query through `format_soql` of simple_salesforce, after its type was checked. What that
function would let through is refused before: the `:literal` escape hatch, naive times (it takes them as local
time), empty lists (bad SOQL), floats and None, and text that Salesforce cannot take.
"""

import re
import string
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TypeVar

Item = TypeVar("Item")
Value = str | int | bool | date | datetime | list[str]

MAX_STRING = 4_000
"""Characters of one string in a WHERE clause (Salesforce's SOQL limits)."""
MAX_QUERY = 100_000
"""Characters of a whole statement (Salesforce's SOQL limits)."""

_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*\Z", re.ASCII)
_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
# Control characters for which SOQL has no escape, and halves of surrogate pairs, which are no text at all.
_UNSENDABLE = re.compile(r"[\x00-\x07\x0b\x0e-\x1f\x7f\ud800-\udfff]")


def check_object_name(name: str) -> str:
    """The name of an object (or field) if it looks like one; raises ValueError. For paths and FROM clauses."""
    if not _OBJECT.match(name):
        raise ValueError("not the name of a Salesforce object")
    return name


def is_sendable(text: str) -> bool:
    """Whether a query can hold this text at all."""
    return len(text) <= MAX_STRING and not _UNSENDABLE.search(text)


def build_query(object_name: str, columns: Sequence[str], clauses: str = "", **values: Value) -> str:
    """A SELECT statement. `clauses` is everything after FROM, a constant with `{name}` for each value.

        build_query("Contact", ("Id", "Name"), "WHERE Email IN {addresses}", addresses=["ada@example.com"])

    Values are str, int, bool, date, aware datetime (sent in UTC, to the second) or a non-empty list of str.
    Raises TypeError for another type, ValueError for text, names or lengths that Salesforce cannot take.
    """
    for column in columns:
        if not _COLUMN.match(column):
            raise ValueError("not the name of a Salesforce field")
    # Not at the top: the package takes 0.6 s to import (it brings a SOAP client), and pages never need it.
    from simple_salesforce.format import format_soql

    _check_template(clauses)
    for value in values.values():
        _check_value(value)
    head = f"SELECT {', '.join(columns)} FROM {check_object_name(object_name)}"  # noqa: S608 (checked names only)
    query = f"{head} {format_soql(clauses, **values)}" if clauses else head
    if len(query) > MAX_QUERY:
        raise ValueError("query longer than Salesforce allows")
    return query


def in_chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The items in slices of at most `size`, in order; nothing for no items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def unique(items: Iterable[Item]) -> list[Item]:
    """The items without repetitions, in order."""
    return list(dict.fromkeys(items))


def _check_template(clauses: str) -> None:
    """Refuses `{x:literal}`, `{x!r}`, `{x.y}` and `{}`: a value may only stand for itself."""
    for _, name, spec, conversion in string.Formatter().parse(clauses):
        if name is not None and (spec or conversion or not name.isidentifier()):
            raise ValueError("a query's placeholders are plain names")


def _check_value(value: Value) -> None:
    if isinstance(value, str):
        if not is_sendable(value):
            raise ValueError("text that a query cannot hold")
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a time in a query needs its zone")
    elif isinstance(value, list):
        if not value or not all(isinstance(item, str) for item in value):
            raise TypeError("a list in a query holds text, and at least one")
        for item in value:
            _check_value(item)
    # Exactly int and bool: the subclasses (enums) print themselves by their own rules.
    elif type(value) not in (int, bool, date):
        raise TypeError("a query takes text, numbers, dates and lists of text only")
