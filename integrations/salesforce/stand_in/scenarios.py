"""What happens in an org besides our calls: the switches of an admin and the deeds of people.

Every method can be called from a test (on the Org) and through the control address (by name, see control.py).
Users are named by e-mail. Each takes the org's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from .errors import ApiError
from .schema import Field
from .tables import Record

if TYPE_CHECKING:
    from .access import Profile
    from .org import Org

APP_POLICIES = ("open", "not_approved", "blocked", "not_installed")


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """An admin's rule: records for which `breaks` is true are refused with the message."""

    object_name: str
    message: str
    breaks: Callable[[Record], bool]


class Scenarios:
    """The part of Org that tests and the control page turn."""

    def set_switches(self: Org) -> None:
        """Put every switch into its ordinary position."""
        self.is_active = True
        self.app_policy = "open"
        self.blocked_ip = False
        self.api_enabled = True
        self.multiday_events = False
        self.session_seconds: float = 7200
        self.idle_seconds: float | None = None
        self.grants_per_user = 5
        self.page_size = 2000
        self.unknown_field_refuses_call = False
        self.locked_rows: set[str] = set()
        self.approval_locks: set[str] = set()
        self.blind_objects: set[str] = set()
        self.hidden_rows: set[str] = set()
        self.validation_rules: list[ValidationRule] = []
        self.closed_statuses: set[str] = set()
        self.high_priorities: set[str] = set()
        self.cursors: dict[str, tuple] = {}

    # -- the org as a whole

    def deactivate_org(self: Org, active: bool = False) -> None:
        """Lock the org, or open it again."""
        self.is_active = active

    def set_app_policy(self: Org, policy: str) -> None:
        """Say how the app stands in this org: open, not_approved, blocked or not_installed."""
        if policy not in APP_POLICIES:
            raise ValueError(f"policy is one of {', '.join(APP_POLICIES)}")
        self.app_policy = policy

    def block_ip(self: Org, blocked: bool = True) -> None:
        """Refuse log-ins and refreshes from our address."""
        self.blocked_ip = blocked

    def enable_api(self: Org, enabled: bool = True) -> None:
        """Switch the API on or off for the whole org (an edition without API)."""
        self.api_enabled = enabled

    def set_api_limit(self: Org, maximum: int, used: int | None = None) -> None:
        """Set the allowance of API calls in 24 hours, and how many of them are used."""
        with self.lock:
            self.usage.maximum = maximum
            if used is not None:
                self.usage.by_hour.clear()
                self.usage.use(used)

    def set_session_seconds(self: Org, seconds: float) -> None:
        """Set the life time of access tokens issued from now on."""
        self.session_seconds = seconds

    def set_clock_offset(self: Org, seconds: float) -> None:
        """Let the server's clock go wrong."""
        self.clock_offset = timedelta(seconds=seconds)

    # -- users

    def deactivate_user(self: Org, email: str, active: bool = False) -> None:
        """Deactivate a Salesforce user, or bring it back."""
        with self.lock:
            self._rewrite(self.user(email), {"IsActive": active}, self.system_user)

    def expire_password(self: Org, email: str, expired: bool = True) -> None:
        """Let a user's password run out."""
        self._profile(email).password_expired = expired

    def permit(self: Org, email: str, permission: str, allowed: bool = True) -> None:
        """Give a user a permission (e.g. ApiEnabled, EditTask) or take it away."""
        with self.lock:
            held = self._profile(email).permissions
            (held.add if allowed else held.discard)(permission)
            self._forget_views()

    def deny(self: Org, email: str, object_name: str, letters: str) -> None:
        """Take rights on an object from a user: letters of "crud"; "" gives all back."""
        with self.lock:
            self._profile(email).denied[object_name] = letters
            self._forget_views()

    def hide_field(self: Org, object_name: str, field_name: str, email: str | None = None) -> None:
        """Hide a field from one user, or from everybody."""
        with self.lock:
            profiles = self.profiles.values() if email is None else [self._profile(email)]
            for profile in profiles:
                profile.hidden.add((object_name, field_name))
            self._forget_views()

    def show_field(self: Org, object_name: str, field_name: str) -> None:
        """Show a field to everybody, for reading and writing."""
        with self.lock:
            for profile in self.profiles.values():
                profile.hidden.discard((object_name, field_name))
                profile.read_only.discard((object_name, field_name))
            self._forget_views()

    def make_read_only(self: Org, object_name: str, field_name: str, email: str) -> None:
        """Let a user read a field but not write it."""
        with self.lock:
            self._profile(email).read_only.add((object_name, field_name))
            self._forget_views()

    def hide_from(self: Org, email: str, record_ids: Iterable[str], hidden: bool = True) -> None:
        """Let sharing hide records from a user."""
        with self.lock:
            unseen = self._profile(email).unseen
            (unseen.update if hidden else unseen.difference_update)(record_ids)

    def _profile(self: Org, email: str) -> Profile:
        return self.profiles[self.user(email)["Id"]]

    def _forget_views(self: Org) -> None:
        self.views.clear()
        self.defaults.clear()
        self.changes += 1

    # -- fields

    def share_activities(self: Org, shared: bool = True) -> None:
        """Switch Shared Activities: TaskWhoIds and EventWhoIds are there, or not."""
        with self.lock:
            for name, list_name in (("Task", "TaskWhoIds"), ("Event", "EventWhoIds")):
                field = Field(list_name, "junctionidlist", 0, "CUN", ("Contact", "Lead"), label="Related To")
                known = self.objects[name]
                self.objects[name] = known.with_field(field) if shared else known.without_field(list_name)
            self._forget_views()

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
            self._forget_views()

    def remove_field(self: Org, object_name: str, field_name: str) -> None:
        """Take a field away from the org."""
        with self.lock:
            self.objects[object_name] = self.objects[object_name].without_field(field_name)
            self._forget_views()

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
            self._forget_views()

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

        def is_blank(record: Record) -> bool:
            return blank_field is None or record.get(blank_field) is None

        self.validation_rules.append(ValidationRule(object_name, message, breaks or is_blank))

    def remove_validation_rules(self: Org) -> None:
        """Drop every validation rule."""
        self.validation_rules.clear()

    def check_validation_rules(self: Org, object_name: str, record: Record) -> None:
        """Refuse a record that breaks a rule."""
        for rule in self.validation_rules:
            if rule.object_name == object_name and rule.breaks(record):
                raise ApiError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message=rule.message, fields=())

    # -- locks and sight

    def lock_row(self: Org, record_id: str, locked: bool = True) -> None:
        """Let another transaction hold a record: writing it, or an activity on it, is refused."""
        (self.locked_rows.add if locked else self.locked_rows.discard)(record_id)

    def lock_for_approval(self: Org, record_id: str, locked: bool = True) -> None:
        """Put a record into an approval process: it cannot be edited."""
        (self.approval_locks.add if locked else self.approval_locks.discard)(record_id)

    def blind_queries(self: Org, object_name: str, blind: bool = True) -> None:
        """Let queries of an object find nothing, although the records are there."""
        (self.blind_objects.add if blind else self.blind_objects.discard)(object_name)

    def hide_row(self: Org, record_id: str, hidden: bool = True) -> None:
        """Let queries miss one record."""
        (self.hidden_rows.add if hidden else self.hidden_rows.discard)(record_id)

    # -- deeds of people

    def remove(self: Org, record_id: str) -> None:
        """Somebody deletes a record: it lies in the Recycle Bin."""
        with self.lock:
            self.delete(self.system_user, self.view(self.system_user, self.object_of(record_id)), record_id)

    def restore(self: Org, record_id: str) -> None:
        """Somebody takes a record out of the Recycle Bin."""
        with self.lock:
            self._rewrite(self.row(record_id), {"IsDeleted": False}, self.system_user)

    def archive(self: Org, record_id: str) -> None:
        """Salesforce archives an old activity: only queryAll finds it."""
        with self.lock:
            self._rewrite(self.row(record_id), {"IsArchived": True}, None)

    def convert_lead(
        self: Org, lead_id: str, account_id: str | None = None, opportunity_name: str | None = None
    ) -> dict[str, str | None]:
        """Convert a lead into a contact of an account (a new one unless given), with an opportunity if named.

        The lead's activities move to the contact. Returns the new ids by "contact", "account", "opportunity".
        """
        with self.lock:
            lead = self.row(lead_id)
            account = account_id or self.add("Account", Name=lead["Company"])
            copied = {key: lead[key] for key in ("FirstName", "LastName", "Email", "Title", "Phone") if key in lead}
            contact = self.add("Contact", AccountId=account, **copied)
            opportunity = None
            if opportunity_name:
                opportunity = self._open_deal(opportunity_name, account, contact)
            converted: Record = {
                "IsConverted": True,
                "Status": "Closed - Converted",
                "ConvertedDate": self.now_text()[:10],
                "ConvertedContactId": contact,
                "ConvertedAccountId": account,
                "ConvertedOpportunityId": opportunity,
            }
            self._rewrite(lead, converted, self.system_user)
            self._move_activities("WhoId", lead_id, contact, opportunity or account)
            return {"contact": contact, "account": account, "opportunity": opportunity}

    def _open_deal(self: Org, name: str, account: str, contact: str) -> str:
        deal = self.add(
            "Opportunity",
            Name=name,
            AccountId=account,
            StageName="Prospecting",
            CloseDate=(self.now() + timedelta(days=30)).date().isoformat(),
        )
        self.add("OpportunityContactRole", OpportunityId=deal, ContactId=contact, IsPrimary=True)
        return deal

    def merge(self: Org, winner_id: str, loser_id: str) -> None:
        """Merge two contacts, leads or accounts: the loser is deleted and points to the winner."""
        with self.lock:
            self._rewrite(self.row(loser_id), {"IsDeleted": True, "MasterRecordId": winner_id}, self.system_user)
            if self.object_of(loser_id) == "Account":
                for contact in [row for row in self.rows("Contact") if row.get("AccountId") == loser_id]:
                    self._rewrite(contact, {"AccountId": winner_id}, self.system_user)
                self._move_activities("WhatId", loser_id, winner_id, None)
            else:
                self._move_activities("WhoId", loser_id, winner_id, None)

    def _move_activities(self: Org, field_name: str, old_id: str, new_id: str, what_id: str | None) -> None:
        for name in ("Task", "Event"):
            for row in [row for row in self.rows(name) if row.get(field_name) == old_id]:
                values: Record = {field_name: new_id}
                if what_id:
                    values["WhatId"] = what_id
                values["AccountId"] = self.account_of(row.get("WhatId") or what_id) or self.account_of(new_id)
                self._rewrite(row, values, self.system_user)
