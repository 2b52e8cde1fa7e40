"""How an org keeps its records: new ids, audit fields, and taking writes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .ids import make_id
from .schema import OBJECTS, ObjectType
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

PREFIXES = {each.prefix: each.name for each in OBJECTS.values()}


class Store:
    """The part of Org that writes rows, all checks done."""

    def _store(self: Org, name: str, values: Record, user_id: str) -> str:
        number = self.numbers[name] = self.numbers.get(name, 0) + 1
        now = self.now_text()
        row = {"Id": make_id(self.objects[name].prefix, self.instance, number)}
        row.update((key, value) for key, value in values.items() if value is not None)
        row.setdefault("CreatedDate", now)
        row.setdefault("CreatedById", user_id)
        row |= {"LastModifiedDate": row["CreatedDate"], "LastModifiedById": row["CreatedById"]}
        row["SystemModstamp"] = row["CreatedDate"]
        table = self.tables[name]
        table.add(row)
        self.changes += 1
        if self.undo is not None:
            self.undo.append(lambda: table.remove(row["Id"]))
        return row["Id"]

    def _rewrite(self: Org, row: Record, values: Record, user_id: str | None) -> None:
        table = self.tables[PREFIXES[row["Id"][:3]]]
        now = self.now_text()
        stamps: Record = {"SystemModstamp": now}
        if user_id is not None:
            stamps |= {"LastModifiedDate": now, "LastModifiedById": user_id}
        if self.undo is not None:
            old = {key: row.get(key) for key in values.keys() | stamps.keys()}
            self.undo.append(lambda: table.change(row, old))
        table.change(row, {**values, **stamps})
        self.changes += 1

    @contextmanager
    def all_or_nothing(self: Org) -> Iterator[None]:
        """Take back every write made inside, if the inside raises."""
        outer, self.undo = self.undo, []
        try:
            yield
            if outer is not None:
                outer += self.undo
        except BaseException:
            for take_back in reversed(self.undo):
                take_back()
            raise
        finally:
            self.undo = outer


def make_defaults(object_type: ObjectType) -> Record:
    """What a new record of the object has before anything is said: false, and the picklists' defaults."""
    record: Record = {}
    for field in object_type.fields.values():
        if field.type == "boolean" and "D" in field.flags:
            record[field.name] = False
        elif field.picklist_default is not None:
            record[field.name] = field.picklist_default
    return record | {"Task": {"TaskSubtype": "Task"}, "Event": {"EventSubtype": "Event"}}.get(object_type.name, {})
