"""What objects and fields the org has, read from the compact tables of the fields_*.py modules."""

import re
from dataclasses import dataclass, field, replace

from . import fields_activities as activities
from . import fields_org as organisation
from . import fields_people as people

SOAP_TYPES = {"boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double", "currency": "xsd:double"}
SOAP_TYPES |= {"percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime", "id": "tns:ID"}
SOAP_TYPES |= {"reference": "tns:ID"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object. `flags` are the letters explained in the fields_*.py modules."""

    name: str
    type: str
    length: int
    flags: str
    references: tuple[str, ...] = ()
    picklist: tuple[str, ...] = ()
    picklist_default: str | None = None
    label: str = ""
    custom: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a create without a value for it is refused."""
        return "C" in self.flags and "N" not in self.flags and "D" not in self.flags

    @property
    def relationship(self) -> str | None:
        """The name under which SOQL reaches the referred record: WhoId -> Who, Region__c -> Region__r."""
        if self.type != "reference" or "X" in self.flags:
            return None
        return self.name[:-1] + "r" if self.custom else self.name.removesuffix("Id")


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object: its fields by name, in order, and by lower-case name and relationship."""

    name: str
    prefix: str
    label: str
    plural: str
    access: str  # letters of what the API allows at all: create, read, update, delete
    fields: dict[str, Field]
    by_lower: dict[str, Field] = field(default_factory=dict)
    by_relationship: dict[str, Field] = field(default_factory=dict)

    def find_field(self, name: str) -> Field | None:
        """Return the field of that name in whatever case, or None."""
        return self.fields.get(name) or self.by_lower.get(name.lower())

    def with_fields(self, fields: dict[str, Field]) -> "ObjectType":
        """Return a copy that has these fields instead."""
        lower = {name.lower(): each for name, each in fields.items()}
        related = {each.relationship.lower(): each for each in fields.values() if each.relationship}
        return replace(self, fields=fields, by_lower=lower, by_relationship=related)

    def with_field(self, new: Field) -> "ObjectType":
        """Return a copy where this field is added or takes the place of its namesake."""
        return self.with_fields({**self.fields, new.name: new})

    def without_field(self, name: str) -> "ObjectType":
        """Return a copy that lacks the field."""
        return self.with_fields({key: each for key, each in self.fields.items() if key != name})


AUDIT = """
IsDeleted | boolean | FGSD |  | Deleted
CreatedDate | datetime | FSD
CreatedById | reference | FGSD | User
LastModifiedDate | datetime | FSD
LastModifiedById | reference | FGSD | User
SystemModstamp | datetime | FSD
"""


def parse_fields(table: str) -> dict[str, Field]:
    """Read one table of the fields_*.py modules."""
    found = [parse_field(line) for line in table.strip().replace(",\n", ", ").splitlines()]
    return {each.name: each for each in found}


def parse_field(line: str) -> Field:
    """Read one line of such a table."""
    name, type_text, flags, values, label = ([part.strip() for part in line.split("|")] + ["", ""])[:5]
    type_name, _, length = type_text.partition(" ")
    names = [value.strip() for value in values.split(",")] if values else []
    is_reference = type_name == "reference"
    return Field(
        name=name,
        type=type_name,
        length=18 if type_name in ("id", "reference") else int(length or 0),
        flags=flags,
        references=tuple(names) if is_reference else (),
        picklist=() if is_reference else tuple(value.rstrip("*") for value in names),
        picklist_default=next((value.rstrip("*") for value in names if value.endswith("*")), None),
        label=label or spell_out(name),
        custom=name.endswith("__c"),
    )


def spell_out(name: str) -> str:
    """Make a label of a field's name: AccountId -> Account ID."""
    return re.sub(r"\bId\b", "ID", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name))


def build_object(name: str, prefix: str, label: str, access: str, table: str, audit: str = AUDIT) -> ObjectType:
    """Make an ObjectType of a table, with Id and the audit fields around it."""
    id_label = "Activity ID" if name in ("Task", "Event") else f"{label} ID"
    fields = parse_fields(f"Id | id | FGSDL |  | {id_label}\n" + table.strip() + "\n" + audit.strip())
    plural = label[:-1] + "ies" if label.endswith("y") else label + "s"
    return ObjectType(name, prefix, label, plural, access, {}).with_fields(fields)


_DATES_ONLY = "\n".join(line for line in AUDIT.strip().splitlines() if not line.startswith("IsDeleted"))

OBJECTS: dict[str, ObjectType] = {
    each.name: each
    for each in (
        build_object("Account", "001", "Account", "crud", people.ACCOUNT),
        build_object("Campaign", "701", "Campaign", "crud", people.CAMPAIGN),
        build_object("CampaignMember", "00v", "Campaign Member", "crud", people.CAMPAIGN_MEMBER),
        build_object("Contact", "003", "Contact", "crud", people.CONTACT),
        build_object("Event", "00U", "Event", "crud", activities.EVENT),
        build_object("Lead", "00Q", "Lead", "crud", people.LEAD),
        build_object("Opportunity", "006", "Opportunity", "crud", people.OPPORTUNITY),
        build_object("OpportunityContactRole", "00K", "Contact Role", "crud", people.OPPORTUNITY_CONTACT_ROLE),
        build_object("Organization", "00D", "Organization", "ru", organisation.ORGANIZATION, _DATES_ONLY),
        build_object("Task", "00T", "Task", "crud", activities.TASK),
        build_object("TaskPriority", "01J", "Task Priority Value", "r", activities.TASK_PRIORITY, _DATES_ONLY),
        build_object("TaskStatus", "01H", "Task Status Value", "r", activities.TASK_STATUS, _DATES_ONLY),
        build_object("User", "005", "User", "ru", organisation.USER, _DATES_ONLY),
        build_object(
            "UserPermissionAccess", "0PA", "User Permission Access", "r", organisation.USER_PERMISSION_ACCESS, ""
        ),
        build_object("UserRecordAccess", "0RA", "User Record Access", "r", organisation.USER_RECORD_ACCESS, ""),
    )
}
