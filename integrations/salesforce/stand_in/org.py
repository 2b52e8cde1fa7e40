"""An org in memory: its users, records and switches, and the writing of records by all the rules."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from . import fields_activities as activities
from .access import ADMIN_PERMISSIONS, PLAIN_PERMISSIONS, Profile, View, build_view
from .customising import Customising
from .deeds import Deeds
from .duplicates import DuplicateRules
from .errors import ApiError
from .ids import make_id
from .moments import moment_text
from .rules import RULES, check_locks, check_owner, check_reference
from .schema import OBJECTS, Field, ObjectType
from .store import PREFIXES, Store, make_defaults
from .switches import Switches
from .tables import Record, Table
from .usage import Usage
from .values import clean_value

LOWER = {name.lower(): name for name in OBJECTS}


class Org(Store, Switches, Customising, DuplicateRules, Deeds):
    """One Salesforce org. Everybody who looks in or changes something holds `lock`.

    `instance` are the two characters that make its ids its own. `clock` gives an aware date-time; the records'
    dates come from it plus `clock_offset`, as a server's clock need not be ours.
    """

    def __init__(
        self,
        name: str,
        *,
        instance: str = "A1",
        is_sandbox: bool = False,
        edition: str = "Enterprise Edition",
        time_zone: str = "Europe/London",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.name, self.instance, self.is_sandbox = name, instance, is_sandbox
        self.clock = clock or (lambda: datetime.now(UTC))
        self.clock_offset = timedelta(0)
        self.changes = 0
        self.objects: dict[str, ObjectType] = dict(OBJECTS)
        self.tables = {each: Table(each) for each in OBJECTS}
        self.numbers: dict[str, int] = {}
        self.profiles: dict[str, Profile] = {}
        self.views: dict[tuple[str, str], View] = {}
        self.defaults: dict[str, Record] = {}
        self.undo: list[Callable[[], None]] | None = None
        self.schema_changed = self.now().replace(microsecond=0)
        self.usage = Usage(self.now)
        self.set_switches()
        self._add_system_rows(edition, time_zone)

    def _add_system_rows(self, edition: str, time_zone: str) -> None:
        self.system_user = make_id("005", self.instance, 1)
        self.profiles[self.system_user] = Profile(permissions=set(ADMIN_PERMISSIONS) | {"CreateAuditFields"})
        self.id = self._store(
            "Organization",
            {
                "Name": self.name,
                "OrganizationType": edition,
                "IsSandbox": self.is_sandbox,
                "InstanceName": "UM" + self.instance,
                "IsReadOnly": False,
                "TimeZoneSidKey": time_zone,
                "LanguageLocaleKey": "en_US",
                "DefaultLocaleSidKey": "en_GB",
            },
            self.system_user,
        )
        self._add_user_row("Automated", "Process", f"autoproc@{self.instance.lower()}.example", "AutomatedProcess")
        self.set_task_statuses(activities.TASK_STATUSES)
        self.set_task_priorities(activities.TASK_PRIORITIES)

    # -- the clock

    def now(self) -> datetime:
        """This org's idea of the time, aware, UTC."""
        return self.clock() + self.clock_offset

    def now_text(self) -> str:
        """The time as records hold it."""
        return moment_text(self.now())

    # -- looking in

    def object_of(self, record_id: str) -> str | None:
        """Return the name of the object that an id's prefix stands for, or None."""
        return PREFIXES.get(record_id[:3])

    def row(self, record_id: str) -> Record:
        """Return a stored record (deleted ones too); raises KeyError. Not a copy."""
        return self.tables[PREFIXES[record_id[:3]]].rows[record_id]

    def rows(self, object_name: str, *, deleted: bool = False) -> list[Record]:
        """Return an object's records in the order of their creation."""
        found = self.tables[object_name].rows.values()
        return [row for row in found if deleted or not row.get("IsDeleted")]

    def user(self, email: str) -> Record:
        """Return the user with this e-mail; raises StopIteration."""
        return next(self.tables["User"].find("Email", [email]))

    def account_of(self, record_id: str | None) -> str | None:
        """Return the account that an account, opportunity or contact belongs to."""
        if not record_id:
            return None
        name = self.object_of(record_id)
        if name == "Account":
            return record_id
        row = self.tables[name].rows.get(record_id) if name else None
        return row.get("AccountId") if row else None

    def foreign_prefixes(self, field: Field) -> tuple[str, ...]:
        """Return the prefixes of known objects that cannot stand in a field."""
        return () if len(field.references) > 2 else ("500", "00G", "02s")

    def view(self, user_id: str, object_name: str) -> View | None:
        """Return an object as the user sees it, or None where there is none of that name (any case)."""
        name = object_name if object_name in self.objects else LOWER.get(object_name.lower())
        if name is None:
            return None
        found = self.views.get((user_id, name))
        if found is None:
            found = self.views[user_id, name] = build_view(self.objects[name], self.profiles[user_id])
        return found if found.access else None

    # -- people of the org

    def add_user(
        self,
        email: str,
        first_name: str,
        last_name: str,
        *,
        is_admin: bool = False,
        time_zone: str = "Europe/London",
        username: str | None = None,
    ) -> str:
        """Add a Salesforce user and return its id."""
        user_id = self._add_user_row(first_name, last_name, email, "Standard", username, time_zone)
        self.profiles[user_id] = Profile(permissions=set(ADMIN_PERMISSIONS if is_admin else PLAIN_PERMISSIONS))
        return user_id

    def _add_user_row(
        self, first: str, last: str, email: str, kind: str, username: str | None = None, zone: str = "Europe/London"
    ) -> str:
        values: Record = {
            "Email": email,
            "Username": username or email,
            "FirstName": first,
            "LastName": last,
            "Name": f"{first} {last}",
            "IsActive": True,
            "UserType": kind,
            "Alias": (first[:1] + last)[:8].lower(),
            "TimeZoneSidKey": zone,
            "LocaleSidKey": "en_GB",
            "LanguageLocaleKey": "en_US",
        }
        return self._store("User", values, self.system_user)

    # -- writing, as the API does

    def create(
        self,
        user_id: str,
        view: View,
        body: Record,
        audit: Record | None = None,
        *,
        may_save_duplicates: bool = False,
        assigns_leads: bool = True,
    ) -> str:
        """Create a record by all the rules and return its id; raises ApiError. `audit` sets audit fields.

        `may_save_duplicates`: the caller has acknowledged the alert of a duplicate rule. `assigns_leads`: the org's
        assignment rule says who gets a new Lead.
        """
        if "c" not in view.access:
            raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", fields=())
        name = view.name
        values = {key: each for key, each in self.clean(view, body, "C").items() if each is not None}
        record = {**self._defaults(name, user_id), **values}
        self.check_required(view, record)
        self._check(name, values, record, user_id)
        record.update(values)
        self.check_validation_rules(name, record)
        self.check_duplicates(name, record, may_save=may_save_duplicates)
        if name == "Lead" and assigns_leads and self.lead_owner:
            record["OwnerId"] = self.lead_owner
        return self._store(name, record | audit if audit else record, user_id)

    def update(self, user_id: str, view: View, record_id: str, body: Record) -> None:
        """Change a record by all the rules; raises ApiError."""
        row = self.find_row(user_id, view, record_id)
        if "u" not in view.access:
            raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", fields=())
        if record_id in self.approval_locks:
            raise ApiError("ENTITY_IS_LOCKED", fields=())
        if row.get("IsConverted"):
            raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", fields=())
        values = self.clean(view, body, "U")
        record = {**row, **values}
        self.check_required(view, record)
        self._check(view.name, values, record, user_id)
        self.check_validation_rules(view.name, {**record, **values})
        self._rewrite(row, values, user_id)

    def delete(self, user_id: str, view: View, record_id: str) -> None:
        """Put a record into the Recycle Bin; raises ApiError."""
        row = self.find_row(user_id, view, record_id)
        if "d" not in view.access:
            raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", fields=())
        check_locks(self, row)
        self._rewrite(row, {"IsDeleted": True}, user_id)

    def find_row(self, user_id: str, view: View, record_id: str) -> Record:
        """Return the record that the user means; raises ApiError where it is away or out of sight."""
        row = self.tables[view.name].rows.get(record_id)
        if row is None or record_id in self.profiles[user_id].unseen:
            raise ApiError("NOT_FOUND", message="Provided external ID field does not exist or is not accessible: Id")
        if row.get("IsDeleted"):
            raise ApiError("ENTITY_IS_DELETED", fields=())
        return row

    def clean(self, view: View, body: Record, flag: str) -> Record:
        """Check each value of a body against its field; "C" or "U" says what is done."""
        values: Record = {}
        find, plain = view.object.find_field, not view.read_only
        for key, value in body.items():
            if key == "attributes":
                continue
            field = find(key)
            if field is None:
                raise ApiError("INVALID_FIELD", key, view.name)
            if flag not in (field.flags if plain else view.flags(field)):
                if field.name == "Id":
                    raise ApiError(
                        "INVALID_FIELD", message="The Id field should not be specified in the sobject data."
                    )
                raise ApiError("INVALID_FIELD_FOR_INSERT_UPDATE", field.name, fields=(field.name,))
            values[field.name] = clean_value(field, value)
        return values

    def check_required(self, view: View, record: Record) -> None:
        """Refuse a record that lacks what it needs."""
        missing = [name for name in self.required(view.name) if record.get(name) is None]
        if missing:
            raise ApiError("REQUIRED_FIELD_MISSING", ", ".join(missing), fields=tuple(missing))

    def required(self, object_name: str) -> tuple[str, ...]:
        """Return the names of the fields without which a record is refused."""
        key = object_name + " required"
        if key not in self.defaults:
            fields = self.objects[object_name].fields.values()
            self.defaults[key] = tuple(each.name for each in fields if each.is_required)
        return self.defaults[key]

    def _check(self, name: str, values: Record, record: Record, user_id: str) -> None:
        fields = self.objects[name].fields
        for key, value in values.items():
            if value and fields[key].type == "reference":
                check_reference(self, fields[key], value, user_id)
        if "OwnerId" in values:
            check_owner(self, name, record.get("OwnerId"), user_id)
        if self.locked_rows:
            check_locks(self, record)
        if name in RULES:
            RULES[name](self, values, record)

    def _defaults(self, name: str, user_id: str) -> Record:
        found = self.defaults.get(name)
        if found is None:
            found = self.defaults[name] = make_defaults(self.objects[name])
        return {**found, "OwnerId": user_id} if "OwnerId" in self.objects[name].fields else found
