"""The operators of a WHERE clause, as tests of a value."""

import re
from collections.abc import Callable


def fold(value: object) -> object:
    """Text is compared regardless of case."""
    return value.lower() if isinstance(value, str) else value


def like(wanted: list) -> Callable[[object], bool]:
    """LIKE: % is any text, _ any letter, a backslash takes their meaning away."""
    pieces = re.findall(r"\\.|.", wanted[0] or "", re.DOTALL)
    source = "".join({"%": ".*", "_": "."}.get(each, re.escape(each[-1])) for each in pieces)
    pattern = re.compile(source, re.DOTALL | re.IGNORECASE)
    return lambda value: value is not None and pattern.fullmatch(value) is not None


def ordered(compare: Callable[[object, object], bool]) -> Callable[[list], Callable[[object], bool]]:
    """A comparison by size; nothing is smaller or larger than null."""
    return lambda wanted: lambda value: value is not None and wanted[0] is not None and compare(value, wanted[0])


def one_of(wanted: list) -> Callable[[object], bool]:
    """IN."""
    choices = frozenset(wanted)
    return lambda value: value in choices


OPERATORS: dict[str, Callable[[list], Callable[[object], bool]]] = {
    "=": lambda wanted: lambda value: value == wanted[0],
    "!=": lambda wanted: lambda value: value != wanted[0],
    "<": ordered(lambda value, limit: value < limit),
    "<=": ordered(lambda value, limit: value <= limit),
    ">": ordered(lambda value, limit: value > limit),
    ">=": ordered(lambda value, limit: value >= limit),
    "LIKE": like,
    "IN": one_of,
    "NOT IN": lambda wanted: (lambda test: lambda value: not test(value))(one_of(wanted)),
}
