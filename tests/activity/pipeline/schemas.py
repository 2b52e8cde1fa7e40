"""A Task and an Event as an ordinary org describes them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from integrations.describes import ObjectSchema
from integrations.salesforce.describe import Describe, Field
from integrations.salesforce.organization import TaskStatus

LENGTHS = {"Subject": 255, "Description": 32_000, "Location": 255, "CallObject": 255}
PICKLISTS = {"TaskSubtype": ("Task", "Email", "Call"), "ShowAs": ("Busy", "OutOfOffice", "Free")}
TASK = (
    "Subject", "ActivityDate", "Status", "TaskSubtype", "OwnerId", "WhoId", "WhatId", "Description", "CallObject",
    "IsReminderSet",
)  # fmt: skip
EVENT = (
    "Subject", "StartDateTime", "EndDateTime", "Location", "ShowAs", "OwnerId", "WhoId", "WhatId", "Description",
    "IsReminderSet",
)  # fmt: skip
STATUSES = (
    TaskStatus("Not Started", "Not Started", False, True),
    TaskStatus("Deferred", "Deferred", True, False),
    TaskStatus("Completed", "Completed", True, False),
)


def field(name: str, **changes: Any) -> Field:
    """A field that may be written and filtered."""
    picklist = PICKLISTS.get(name, ())
    values = {
        "name": name,
        "type": "string",
        "length": LENGTHS.get(name, 0),
        "createable": True,
        "updateable": True,
        "filterable": True,
        "nillable": True,
        "defaulted_on_create": False,
        "restricted": bool(picklist),
        "picklist": picklist,
        "picklist_default": None,
    }
    return Field(**(values | changes))


def schema(
    name: str = "Task", *, without: Iterable[str] = (), statuses: Any = STATUSES, **fields: Any
) -> ObjectSchema:
    """The object; `fields` maps a field's name to what is different about it."""
    names = [each for each in (TASK if name == "Task" else EVENT) if each not in set(without)]
    described = {each: replace(field(each), **fields.get(each, {})) for each in names}
    return ObjectSchema(Describe(name, True, True, True, True, described), tuple(statuses))
