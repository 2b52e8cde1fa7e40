"""Which rows an index leaves over for a comparison; the whole condition is tested on them later."""

from collections.abc import Iterable

from .ids import id18
from .soql import And, Comparison, Query
from .tables import Record, Table


def joined_comparisons(query: Query) -> list[Comparison]:
    """Return the comparisons of a row's own fields that must all hold."""
    where = query.where
    parts = where.parts if isinstance(where, And) else (where,) if where else ()
    return [part for part in parts if isinstance(part, Comparison) and len(part.field.path) == 1]


def asked_values(part: Comparison) -> list[str] | None:
    """Return the texts that a comparison by equality asks for, or None."""
    if part.operator not in ("=", "IN"):
        return None
    values = part.value if isinstance(part.value, tuple) else (part.value,)
    texts = [value.value for value in values if value.kind == "string"]
    return texts if len(texts) == len(values) else None


def pick_by_id(table: Table, name: str, part: Comparison) -> Iterable[Record] | None:
    """Rows by Id."""
    values = asked_values(part) if name == "Id" else None
    return None if values is None else table.pick(id18(value) or "" for value in values)


def pick_by_value(table: Table, name: str, part: Comparison) -> Iterable[Record] | None:
    """Rows by an indexed text or reference."""
    values = asked_values(part) if name in table.indexes else None
    if values is None:
        return None
    return table.find(name, [id18(value) or value if name.endswith("Id") else value for value in values])


def pick_by_date(table: Table, name: str, part: Comparison) -> Iterable[Record] | None:
    """Rows created or changed since a moment."""
    find = {"CreatedDate": table.created_since, "SystemModstamp": table.modified_since}.get(name)
    if find is None or part.operator not in (">", ">=") or part.value.kind != "datetime":
        return None
    return find(part.value.value)


PICKERS = (pick_by_id, pick_by_value, pick_by_date)
