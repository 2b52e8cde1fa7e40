"""An org in memory: its users, records and switches, and the writing of records by all the rules."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from . import fields_activities as activities
from .access import ADMIN_PERMISSIONS, PLAIN_PERMISSIONS, Profile, View, build_view
from .errors import ApiError
from .ids import make_id
from .rules import RULES, check_locks, check_owner, check_reference
from .scenarios import Scenarios
from .schema import OBJECTS, Field, ObjectType
from .tables import Record, Table
from .usage import Usage
from .values import clean_value, moment_text


class Org(Scenarios):
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
        self.usage = Usage(self.now)
        self.set_switches()
        self._add_system_rows(edition, time_zone)

    def _add_system_rows(self, edition: str, time_zone: str) -> None:
        self.system_user = make_id("005", self.instance, 0)
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
        permissions = ADMIN_PERMISSIONS if is_admin else PLAIN_PERMISSIONS
        values: Record = {
            "Email": email,
            "Username": username or email,
            "FirstName": first_name,
            "LastName": last_name,
            "IsActive": True,
            "UserType": "Standard",
            "Alias": (first_name[:1] + last_name)[:8].lower(),
            "TimeZoneSidKey": time_zone,
            "LocaleSidKey": "en_GB",
            "LanguageLocaleKey": "en_US",
            "Name": f"{first_name} {last_name}",
        }
        user_id = self._store("User", values, self.system_user)
        self.profiles[user_id] = Profile(permissions=set(permissions))
        return user_id

    # -- writing, as a person does in the browser

    def add(self, object_name: str, **values: object) -> str:
        """Create a record by the rules, as the system user, and return its id; audit fields may be given."""
        audit = {key: values.pop(key) for key in ("CreatedDate", "CreatedById") if key in values}
        owner = (
            values.setdefault("OwnerId", self.system_user) if "OwnerId" in self.objects[object_name].fields else ""
        )
        if owner == self.system_user:
            values.pop("OwnerId", None)
        with self.lock:
            record_id = self.create(self.system_user, self.view(self.system_user, object_name), values)
            if audit:
                self.row(record_id).update(audit)
            return record_id

    def change(self, record_id: str, **values: object) -> None:
        """Change a record by the rules, as the system user: somebody edited it."""
        with self.lock:
            view = self.view(self.system_user, self.object_of(record_id))
            self.update(self.system_user, view, record_id, values)

    # -- writing, as the API does

    def create(self, user_id: str, view: View, body: Record) -> str:
        """Create a record by all the rules and return its id; raises ApiError."""
        if "c" not in view.access:
            raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", fields=())
        name = view.name
        values = {key: each for key, each in self.clean(view, body, "C").items() if each is not None}
        record = {**self._defaults(name, user_id), **values}
        self.check_required(view, record)
        self._check(name, values, record, user_id)
        record.update(values)
        self.check_validation_rules(name, record)
        return self._store(name, record, user_id)

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

    # -- storing

    def _store(self, name: str, values: Record, user_id: str) -> str:
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

    def _rewrite(self, row: Record, values: Record, user_id: str | None) -> None:
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
    def all_or_nothing(self) -> Iterator[None]:
        """Take back every write made inside, if the inside raises."""
        outer, self.undo = self.undo, []
        try:
            yield
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


PREFIXES = {each.prefix: each.name for each in OBJECTS.values()}
LOWER = {name.lower(): name for name in OBJECTS}
