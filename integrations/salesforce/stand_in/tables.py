"""The rows of one object, with the indexes that keep look-ups cheap when there are a million of them."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

Record = dict[str, object]

INDEXED: dict[str, tuple[str, ...]] = {
    "Account": (),
    "CampaignMember": ("CampaignId", "ContactId", "LeadId"),
    "Contact": ("Email", "AccountId"),
    "Lead": ("Email",),
    "Opportunity": ("AccountId",),
    "OpportunityContactRole": ("ContactId", "OpportunityId"),
    "Task": ("CallObject",),
    "User": ("Email", "Username"),
}


class Table:
    """Rows by id. A row holds only the fields that have a value. Callers hold the org's lock."""

    def __init__(self, name: str) -> None:
        self.rows: dict[str, Record] = {}
        self.indexes: dict[str, dict[str, list[str]]] = {field: {} for field in INDEXED.get(name, ())}
        self.created: list[tuple[str, str]] = []
        self.journal: list[tuple[str, str]] = []

    def add(self, row: Record) -> None:
        """Store a new row, which has its Id, CreatedDate and SystemModstamp."""
        row_id = row["Id"]
        self.rows[row_id] = row
        for field, index in self.indexes.items():
            if value := row.get(field):
                index.setdefault(value.lower(), []).append(row_id)
        append_in_order(self.created, (row.get("CreatedDate", ""), row_id))
        append_in_order(self.journal, (row.get("SystemModstamp", ""), row_id))

    def change(self, row: Record, values: Record) -> None:
        """Write values into a stored row; None takes a field away."""
        for field in self.indexes.keys() & values.keys():
            self._reindex(row, field, values[field])
        for field, value in values.items():
            if value is None:
                row.pop(field, None)
            else:
                row[field] = value
        append_in_order(self.journal, (row.get("SystemModstamp", ""), row["Id"]))
        if len(self.journal) > 2 * len(self.rows) + 1000:
            self.journal = sorted((each.get("SystemModstamp", ""), each["Id"]) for each in self.rows.values())

    def remove(self, row_id: str) -> None:
        """Forget a row altogether (only a rolled-back create does this)."""
        row = self.rows.pop(row_id)
        for field in self.indexes:
            self._reindex(row, field, None)
        self.created.remove((row.get("CreatedDate", ""), row_id))

    def _reindex(self, row: Record, field: str, value: object) -> None:
        index, old = self.indexes[field], row.get(field)
        if old:
            index[old.lower()].remove(row["Id"])
        if value:
            index.setdefault(value.lower(), []).append(row["Id"])

    def pick(self, ids: Iterable[str]) -> Iterator[Record]:
        """Yield the rows of these ids, each once, skipping unknown ones."""
        rows = self.rows
        for row_id in dict.fromkeys(ids):
            if row_id in rows:
                yield rows[row_id]

    def find(self, field: str, values: Iterable[str]) -> Iterator[Record]:
        """Yield the rows whose indexed field equals one of the values, whatever the case."""
        index = self.indexes[field]
        return self.pick(row_id for value in values for row_id in index.get(value.lower(), ()))

    def created_since(self, moment: str) -> Iterator[Record]:
        """Yield the rows created at this record text moment or later."""
        return self.pick(row_id for _, row_id in self.created[bisect_left(self.created, (moment, "")) :])

    def modified_since(self, moment: str) -> Iterator[Record]:
        """Yield a superset of the rows whose SystemModstamp is this moment or later."""
        return self.pick(row_id for _, row_id in self.journal[bisect_left(self.journal, (moment, "")) :])


def append_in_order(entries: list[tuple[str, str]], entry: tuple[str, str]) -> None:
    """Add an entry to a sorted list: at the end as a rule, elsewhere when a clock went back."""
    if not entries or entries[-1] <= entry:
        entries.append(entry)
    else:
        insort(entries, entry)
