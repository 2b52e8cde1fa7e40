"""How records look in answers: attributes first, parents nested, every asked field present."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .access import View
from .tables import Record

if TYPE_CHECKING:
    from .query import Column, Search


def attributes_of(object_name: str, record_id: str | None, version: str) -> dict[str, str]:
    """The first key of each record."""
    return {"type": object_name, "url": f"/services/data/v{version}/sobjects/{object_name}/{record_id}"}


def render_record(view: View, row: Record, version: str, names: list[str] | None = None) -> dict[str, object]:
    """A record with all visible fields, or the named ones."""
    out: dict[str, object] = {"attributes": attributes_of(view.name, row["Id"], version)}
    for name in names if names is not None else view.fields:
        out[name] = row.get(name, False if view.fields[name].type == "boolean" else None)
    return out


def render_row(search: Search, row: Record, columns: list[Column], version: str) -> dict[str, object]:
    """One row of a query's answer."""
    out: dict[str, object] = {"attributes": attributes_of(search.view.name, row.get("Id"), version)}
    for column in columns:
        place, holder, broken = out, row, False
        for reference, step in zip(column.path[:-1], column.steps[:-1], strict=True):
            holder = search.follow(holder, reference)
            if holder is None:
                place[step] = None
                broken = True
                break
            name = search.org.object_of(holder["Id"])
            place = place.setdefault(step, {"attributes": attributes_of(name, holder["Id"], version)})
        if not broken:
            place[column.steps[-1]] = search.value(row, column)
    return out
