"""What a parsed SOQL statement is made of. Positions take no part in comparisons."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Name:
    """A field or object as written, e.g. ("Opportunity", "Name")."""

    path: tuple[str, ...]
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Value:
    """A literal. kind: string, pattern (of LIKE, its escapes kept), number, boolean, null, date, datetime.

    A date is "YYYY-MM-DD", a date-time the UTC text that records hold: "2026-11-23T10:00:00.000+0000".
    """

    kind: str
    value: str | int | float | bool | None
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; operator is upper-case, "<>" is written "!=", IN and NOT IN have a tuple."""

    field: Name
    operator: str
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ORDER BY."""

    field: Name
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed statement. `text` is kept for the messages of later checks."""

    fields: tuple[Name, ...]
    object: Name
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    is_count: bool = False
    text: str = field(default="", compare=False, repr=False)
