"""What a customer's admin changes in an org: fields, picklists, validation rules, Shared Activities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .errors import ApiError
from .schema import Field
from .tables import Record

if TYPE_CHECKING:
    from .org import Org


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """An admin's rule: records are refused where `breaks` says so, else where `blank_field` is blank, else all."""

    object_name: str
    message: str
    breaks: Callable[[Record], bool] | None = None
    blank_field: str | None = None

    def refuses(self, object_name: str, record: Record) -> bool:
        """Whether the rule is for this object and refuses the record."""
        if object_name != self.object_name:
            return False
        if self.breaks is not None:
            return self.breaks(record)
        return self.blank_field is None or record.get(self.blank_field) is None


class Customising:
    """The part of Org that an admin changes in Setup."""

    def share_activities(self: Org, shared: bool = True) -> None:
        """Switch Shared Activities: TaskWhoIds and EventWhoIds are there, or not."""
        with self.lock:
            for name, list_name in (("Task", "TaskWhoIds"), ("Event", "EventWhoIds")):
                field = Field(list_name, "junctionidlist", 0, "CUN", ("Contact", "Lead"), label="Related To")
                known = self.objects[name]
                self.objects[name] = known.with_field(field) if shared else known.without_field(list_name)
            self.forget_views()

    def add_field(
        self: Org,
        object_name: str,
        field_name: str,
        *,
        type: str = "string",  # noqa: A002 - the word of the describe
        length: int = 80,
        required: bool = False,
        values: Iterable[str] = (),
    ) -> None:
        """Add a custom field (its name ends in __c) or a standard one that plain orgs lack, such as Task.Type."""
        flags = "CUFGS" + ("" if required else "NP")
        label = field_name.removesuffix("__c").replace("_", " ")
        field = Field(
            field_name, type, length, flags, picklist=tuple(values), label=label, custom=field_name.endswith("__c")
        )
        with self.lock:
            self.objects[object_name] = self.objects[object_name].with_field(field)
            self.forget_views()

    def remove_field(self: Org, object_name: str, field_name: str) -> None:
        """Take a field away from the org."""
        with self.lock:
            self.objects[object_name] = self.objects[object_name].without_field(field_name)
            self.forget_views()

    def set_picklist(
        self: Org,
        object_name: str,
        field_name: str,
        values: Iterable[str],
        default: str | None = None,
        restricted: bool | None = None,
    ) -> None:
        """Give a picklist other values, and say whether it takes only these."""
        with self.lock:
            old = self.objects[object_name].fields[field_name]
            flags = old.flags
            if restricted is not None:
                flags = flags.replace("R", "") + ("R" if restricted else "")
            new = replace(old, picklist=tuple(values), picklist_default=default, flags=flags)
            self.objects[object_name] = self.objects[object_name].with_field(new)
            self.forget_views()

    def set_task_statuses(self: Org, statuses: Iterable[tuple[str, bool, bool]]) -> None:
        """Replace the statuses of tasks: (value, is closed, is default) each."""
        rows = [tuple(each) for each in statuses]
        self.closed_statuses = {value for value, closed, _ in rows if closed}
        self._set_values("TaskStatus", "Status", "IsClosed", rows)

    def set_task_priorities(self: Org, priorities: Iterable[tuple[str, bool, bool]]) -> None:
        """Replace the priorities of tasks: (value, is high, is default) each."""
        rows = [tuple(each) for each in priorities]
        self.high_priorities = {value for value, high, _ in rows if high}
        self._set_values("TaskPriority", "Priority", "IsHighPriority", rows)

    def _set_values(self: Org, table: str, field_name: str, flag: str, rows: list[tuple[str, bool, bool]]) -> None:
        with self.lock:
            self.tables[table] = type(self.tables[table])(table)
            for order, (value, flagged, is_default) in enumerate(rows, 1):
                values: Record = {"MasterLabel": value, "ApiName": value, "SortOrder": order}
                self._store(table, {**values, flag: flagged, "IsDefault": is_default}, self.system_user)
            default = next((value for value, _, is_default in rows if is_default), None)
            self.set_picklist("Task", field_name, [value for value, _, _ in rows], default)

    def add_validation_rule(
        self: Org,
        object_name: str,
        message: str,
        breaks: Callable[[Record], bool] | None = None,
        *,
        blank_field: str | None = None,
    ) -> None:
        """Refuse an object's records: where `breaks` says so, else where `blank_field` is blank, else all."""
        self.validation_rules.append(ValidationRule(object_name, message, breaks, blank_field))

    def assign_leads(self: Org, email: str | None) -> None:
        """Let the active assignment rule give new leads to a user; None: there is no active rule."""
        self.lead_owner = self.user(email)["Id"] if email else None

    def remove_validation_rules(self: Org) -> None:
        """Drop every validation rule."""
        self.validation_rules.clear()

    def check_validation_rules(self: Org, object_name: str, record: Record) -> None:
        """Refuse a record that breaks a rule."""
        for rule in self.validation_rules:
            if rule.refuses(object_name, record):
                raise ApiError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message=rule.message, fields=())
