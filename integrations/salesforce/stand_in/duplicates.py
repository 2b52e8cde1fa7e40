"""Duplicate rules: what an org's admin lets nobody enter twice, and what its answer says of those it found.

Source: the REST guide's Duplicate Rule Header; the shape of the answer (with its key `duplicateResut`) is as public
integrations have recorded it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ApiError
from .tables import Record

if TYPE_CHECKING:
    from .org import Org

HEADER = "sforce-duplicate-rule-header"
SINCE_VERSION = 52.0


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Records of `object_name` that agree with one of `among` in all the fields, whatever their case, are duplicates.

    `blocks`: nobody may save them; else a caller who says allowSave may.
    """

    object_name: str
    fields: tuple[str, ...]
    among: tuple[str, ...]
    blocks: bool
    name: str

    def find(self, org: Org, record: Record) -> list[Record]:
        """The records that are there already; a record that lacks one of the fields is nobody's duplicate."""
        wanted = [str(record.get(name) or "").lower() for name in self.fields]
        if not all(wanted):
            return []
        rows = [row for name in self.among for row in org.rows(name)]
        return [row for row in rows if [str(row.get(name) or "").lower() for name in self.fields] == wanted]


class DuplicateRules:
    """The part of Org that keeps duplicates out."""

    duplicate_rules: list[DuplicateRule]

    def add_duplicate_rule(
        self: Org,
        object_name: str,
        fields: Iterable[str],
        *,
        among: Iterable[str] = (),
        blocks: bool = False,
        name: str = "",
    ) -> None:
        """Alert on (or, with `blocks`, refuse) a new record that has the same fields as one of `among` (its own)."""
        others = tuple(among) or (object_name,)
        rule = DuplicateRule(
            object_name, tuple(fields), others, blocks, name or f"Standard_{object_name}_Duplicate_Rule"
        )
        self.duplicate_rules.append(rule)

    def remove_duplicate_rules(self: Org) -> None:
        """Drop every duplicate rule."""
        self.duplicate_rules.clear()

    def check_duplicates(self: Org, object_name: str, record: Record, *, may_save: bool) -> None:
        """Refuse a record that a rule takes for a duplicate."""
        for rule in self.duplicate_rules:
            if rule.object_name == object_name and (rule.blocks or not may_save):
                found = rule.find(self, record)
                if found:
                    raise DuplicatesFoundError(self, rule, found)


class DuplicatesFoundError(ApiError):
    """DUPLICATES_DETECTED with what was found; in the rows of collections only the code and the text."""

    def __init__(self, org: Org, rule: DuplicateRule, found: list[Record]) -> None:
        super().__init__("DUPLICATES_DETECTED")
        self.result = {
            "allowSave": not rule.blocks,
            "duplicateRule": rule.name,
            "duplicateRuleEntityType": rule.object_name,
            "errorMessage": self.message,
            "matchResults": [match_result(org, name, found) for name in rule.among],
        }

    def as_answer(self) -> dict[str, object]:
        """With Salesforce's own spelling of the key."""
        return {"duplicateResut": self.result, **super().as_answer()}


def match_result(org: Org, object_name: str, found: list[Record]) -> Record:
    """What was found among one object's records."""
    records = [row for row in found if org.object_of(row["Id"]) == object_name]
    return {
        "entityType": object_name,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": [
            {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": {"attributes": {"type": object_name}, "Id": row["Id"]},
            }
            for row in records
        ],
        "rule": f"Standard_{object_name}_Match_Rule_v1_1",
        "size": len(records),
        "success": True,
    }


def may_save_duplicates(headers: Mapping[str, str], version: str) -> bool:
    """Whether the caller has acknowledged the alert; versions before 52.0 do not know the header."""
    parts = [part.strip().lower() for part in headers.get(HEADER, "").split(";")]
    return "allowsave=true" in parts and float(version) >= SINCE_VERSION
