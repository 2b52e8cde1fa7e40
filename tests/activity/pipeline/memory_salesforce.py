"""A Salesforce in memory for one connection: records by key, and calls that end in every way."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.salesforce.client import FoundRecord, RowResult
from integrations.salesforce.errors import (
    OurMistake,
    OutcomeUnknown,
    RecordGone,
    RecordLocked,
    Rejected,
    SalesforceError,
    Transient,
)
from integrations.salesforce.ids import id18
from integrations.salesforce.lookups import CALL_OBJECT_PREFIX, read_marker

LATEST = timedelta(minutes=10)
"""A call can run so long at Salesforce after we gave up."""


REFUSALS = {"drop": OutcomeUnknown, "not_sent": Transient, "rejected_call": Rejected, "refused_call": OurMistake}


class Crash(BaseException):
    """The worker's process dies here."""


@dataclass
class Record:
    """A Task or Event."""

    id: str
    key: str
    created_by: str
    created_at: datetime
    modified_at: datetime
    is_deleted: bool = False
    is_touched: bool = False
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class MemorySalesforce:
    """What a worker's client talks to. `ending` says how the next write goes, once; then they go well again.

    before_commit, after_commit: called once inside the next creation, for whatever happens elsewhere meanwhile;
    meanwhile: inside the next write of any kind.
    """

    user: str
    records: list[Record] = field(default_factory=list)
    late: list[tuple[datetime, list[dict[str, Any]]]] = field(default_factory=list)
    ending: str = "well"
    late_by: timedelta = LATEST
    before_commit: Callable[[], None] | None = None
    after_commit: Callable[[], None] | None = None
    meanwhile: Callable[[], Any] | None = None
    is_blind: bool = False
    failing_look_ups: int = 0
    known: int = 0

    # --- The client's methods -----------------------------------------------------------------------------

    def create_many(self, rows: Sequence[dict[str, Any]]) -> list[RowResult]:
        """Create each, or end as was ordered."""
        return self._write(rows)

    def update_many(self, rows: Sequence[dict[str, Any]]) -> list[RowResult]:
        """Change each record, or end as was ordered."""
        return self._write(rows)

    def delete_many(self, ids: Sequence[str]) -> list[RowResult]:
        """To the Recycle Bin."""
        for record in self.records:
            if record.id in ids:
                record.is_deleted, record.modified_at = True, timezone.now()
        return [RowResult(each, None) for each in ids]

    def find_by_key(self, object_name: str, keys: Sequence[str], **_window: Any) -> list[FoundRecord]:
        """Tasks by CallObject."""
        return self._find(keys)

    def find_by_marker(self, object_name: str, keys: Sequence[str], **_window: Any) -> list[FoundRecord]:
        """Tasks and Events by the description's last line."""
        return self._find(keys)

    @property
    def server_date(self) -> datetime:
        """Its clock, which is ours."""
        return timezone.now()

    # --- What stands there --------------------------------------------------------------------------------

    def of_key(self, key: str) -> list[Record]:
        """All records with the key, deleted ones too."""
        return [record for record in self.records if record.key == key]

    def know(self, records: Iterable[tuple[str, str]]) -> None:
        """Records by key and id that stand there from before."""
        now = timezone.now()
        self.records = [Record(record_id, key, self.user, now, now) for key, record_id in records]
        self.known = len(self.records)

    @property
    def new_records(self) -> list[Record]:
        """Those that were not there before."""
        return self.records[self.known :]

    def commit_late_work(self, *, all_of_it: bool = False) -> None:
        """What was given up is done when its time has come."""
        due = [each for each in self.late if all_of_it or each[0] <= timezone.now()]
        self.late = [each for each in self.late if each not in due]
        for _, rows in due:
            for row in rows:
                self._write_row(row, "well")

    def _write(self, rows: Sequence[dict[str, Any]]) -> list[RowResult]:
        ending, self.ending = self.ending, "well"
        if "Id" not in rows[0]:
            self._call("before_commit")
        if ending == "crash_before":
            raise Crash
        if ending in REFUSALS:
            self._call("meanwhile")
            raise REFUSALS[ending](ending)
        if ending == "late":
            self.late.append((timezone.now() + self.late_by, list(rows)))
            self._call("meanwhile")
            raise OutcomeUnknown("timeout")
        results = [self._write_row(row, ending if position == 0 else "well") for position, row in enumerate(rows)]
        self._call("meanwhile")
        if "Id" not in rows[0]:
            self._call("after_commit")
        if ending == "crash_after":
            raise Crash
        if ending == "lost_answer":
            raise OutcomeUnknown("reset")
        return results

    def _call(self, name: str) -> None:
        waiting = getattr(self, name)
        if waiting is None:
            return
        self.before_commit = self.after_commit = self.meanwhile = None
        waiting()

    def _write_row(self, row: dict[str, Any], ending: str) -> RowResult:
        errors: dict[str, SalesforceError] = {
            "locked_row": RecordLocked("UNABLE_TO_LOCK_ROW"),
            "rejected_row": Rejected("FIELD_CUSTOM_VALIDATION_EXCEPTION"),
        }
        if ending in errors:
            return RowResult(None, errors[ending])
        return self._change(row) if "Id" in row else RowResult(self._create(row), None)

    def _change(self, row: dict[str, Any]) -> RowResult:
        record = next(record for record in self.records if record.id == row["Id"])
        if record.is_deleted:
            return RowResult(None, RecordGone("ENTITY_IS_DELETED"))
        record.fields |= row
        record.modified_at = timezone.now().replace(microsecond=0)
        return RowResult(record.id, None)

    def _create(self, row: dict[str, Any]) -> str:
        now = timezone.now().replace(microsecond=0)
        prefix = "00U" if row["attributes"]["type"] == "Event" else "00T"
        key = row.get("CallObject", "").removeprefix(CALL_OBJECT_PREFIX) or read_marker(row.get("Description")) or ""
        record = Record(id18(f"{prefix}M{len(self.records):011d}"), key, self.user, now, now, fields=dict(row))
        self.records.append(record)
        return record.id

    def _find(self, keys: Sequence[str]) -> list[FoundRecord]:
        if self.failing_look_ups > 0:
            self.failing_look_ups -= 1
            raise Transient("timeout")
        if self.is_blind:
            return []
        return [
            FoundRecord(
                record.id, record.key, record.created_at, record.modified_at, record.is_deleted, record.created_by
            )
            for record in self.records
            if record.key in keys
        ]
