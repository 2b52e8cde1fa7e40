"""What Touchline needs of a Salesforce user: one line per need, with what stops working and where it is given."""

from dataclasses import dataclass
from enum import StrEnum

ACTIVITIES = ("Tasks", "Events")
PERMISSION_SETS = "Setup › Permission Sets › Touchline"


class Level(StrEnum):
    """How much a need matters."""

    NEEDED = "needed"
    WIDENS = "widens"
    NOT_NEEDED = "not_needed"


class For(StrEnum):
    """Whose need it is: a member's own connection writes, the Sync User reads."""

    MEMBER = "member"
    SYNC_USER = "sync_user"


BOTH = frozenset(For)
MEMBER = frozenset({For.MEMBER})
SYNC_USER = frozenset({For.SYNC_USER})


@dataclass(frozen=True, slots=True)
class Need:
    """One row of the table.

    permission: a column of UserPermissionAccess that must be true. object_name and right (queryable, createable,
    updateable, deletable): a flag of the describe. fields: the object's fields that must be there (to read, or to
    fill when right is createable). blocks: without it nothing can be logged, so the connection is held.
    """

    name: str
    what_for: str
    level: Level
    stops: str
    where: str
    used_by: frozenset[For] = BOTH
    permission: str = ""
    object_name: str = ""
    right: str = ""
    fields: tuple[str, ...] = ()
    blocks: bool = False


TASK_FIELDS = ("Subject", "ActivityDate", "Status", "OwnerId", "WhoId", "WhatId", "Description")
EVENT_FIELDS = ("Subject", "StartDateTime", "EndDateTime", "OwnerId", "WhoId", "WhatId", "Description")


def _system(name: str, permission: str, what_for: str, level: Level, stops: str, **more: object) -> Need:
    where = f"{PERMISSION_SETS} › System Permissions › {name}" if level is not Level.NOT_NEEDED else ""
    return Need(name, what_for, level, stops, where, permission=permission, **more)


def _object(
    verb: str, label: str, right: str, what_for: str, stops: str, level: Level = Level.NEEDED, **more: object
) -> Need:
    object_name = {"Opportunities": "Opportunity"}.get(label, label.removesuffix("s"))
    # Tasks and events have no object settings in a permission set: a system permission stands for all of them.
    where = f"{PERMISSION_SETS} › Object Settings › {label} › {verb}"
    if label in ACTIVITIES:
        where = f"{PERMISSION_SETS} › System Permissions › Edit {label}"
    return Need(f"{verb} {label}", what_for, level, stops, where, object_name=object_name, right=right, **more)


def _fields(
    label: str, fields: tuple[str, ...], right: str, stops: str, level: Level = Level.NEEDED, **more: object
) -> Need:
    object_name = label.removesuffix("s")
    listed = ", ".join(fields)
    kind = "Edit Access" if right else "Read Access"
    where = f"{PERMISSION_SETS} › Object Settings › {label} › Field Permissions › {kind}"
    if label in ACTIVITIES:
        where = f"Setup › Object Manager › {object_name} › Fields & Relationships › Set Field-Level Security"
    return Need(
        f"Fields of {label}", listed, level, stops, where, object_name=object_name, right=right, fields=fields, **more
    )


NEEDS: tuple[Need, ...] = (
    _system(
        "API Enabled",
        "PermissionsApiEnabled",
        "Talk to Salesforce at all",
        Level.NEEDED,
        "Nothing can be read or logged.",
        blocks=True,
    ),
    _system(
        "Access Activities",
        "PermissionsActivitiesAccess",
        "See tasks and events",
        Level.NEEDED,
        "Nothing can be logged.",
        used_by=MEMBER,
        blocks=True,
    ),
    _system(
        "Edit Tasks",
        "PermissionsEditTask",
        "Log e-mails as tasks",
        Level.NEEDED,
        "E-mails are not logged.",
        used_by=MEMBER,
        blocks=True,
    ),
    _system(
        "Edit Events",
        "PermissionsEditEvent",
        "Log meetings as events",
        Level.NEEDED,
        "Meetings are not logged.",
        used_by=MEMBER,
    ),
    _object("Read", "Contacts", "queryable", "Match addresses to contacts", "Contacts are not matched."),
    _object("Read", "Leads", "queryable", "Match addresses to leads", "Leads are not matched."),
    _object(
        "Read", "Accounts", "queryable", "Relate activities to accounts", "Activities are not related to accounts."
    ),
    _object(
        "Read",
        "Opportunities",
        "queryable",
        "Relate activities to opportunities",
        "Activities are not related to opportunities.",
    ),
    _fields("Contacts", ("Email",), "", "Contacts are not matched by address."),
    _fields("Leads", ("Email",), "", "Leads are not matched by address."),
    _object("Create", "Tasks", "createable", "Log e-mails", "E-mails are not logged.", used_by=MEMBER, blocks=True),
    _object(
        "Read",
        "Tasks",
        "queryable",
        "Make sure that nothing is logged twice",
        "After a lost answer a person has to look.",
        used_by=MEMBER,
    ),
    _object(
        "Update",
        "Tasks",
        "updateable",
        "Add later opens and clicks to a task",
        "Opens and clicks do not reach the task.",
        used_by=MEMBER,
    ),
    _fields("Tasks", TASK_FIELDS, "createable", "Tasks lack these fields.", used_by=MEMBER),
    _object(
        "Delete",
        "Tasks",
        "deletable",
        "“Delete in Salesforce” for a task",
        "Tasks cannot be deleted from Touchline.",
        Level.WIDENS,
        used_by=MEMBER,
    ),
    _object("Create", "Events", "createable", "Log meetings", "Meetings are not logged.", used_by=MEMBER),
    _object(
        "Read",
        "Events",
        "queryable",
        "Make sure that nothing is logged twice",
        "After a lost answer a person has to look.",
        used_by=MEMBER,
    ),
    _object(
        "Update",
        "Events",
        "updateable",
        "Follow moved and canceled meetings",
        "Moved meetings keep their old time.",
        used_by=MEMBER,
    ),
    _fields("Events", EVENT_FIELDS, "createable", "Events lack these fields.", used_by=MEMBER),
    _object(
        "Delete",
        "Events",
        "deletable",
        "“Delete in Salesforce” for a meeting",
        "Events cannot be deleted from Touchline.",
        Level.WIDENS,
        used_by=MEMBER,
    ),
    _object(
        "Create",
        "Contacts",
        "createable",
        "Create contacts from Unresolved",
        "Contacts cannot be created from Touchline.",
        Level.WIDENS,
        used_by=MEMBER,
    ),
    _object(
        "Create",
        "Leads",
        "createable",
        "Create leads from Unresolved",
        "Leads cannot be created from Touchline.",
        Level.WIDENS,
        used_by=MEMBER,
    ),
    _system(
        "View All Users",
        "PermissionsViewAllUsers",
        "See every owner's name",
        Level.WIDENS,
        "Owners outside the Sync User's role stay unnamed.",
        used_by=SYNC_USER,
    ),
    _system(
        "Modify All Data",
        "PermissionsModifyAllData",
        "Not used by Touchline",
        Level.NOT_NEEDED,
        "",
        used_by=SYNC_USER,
    ),
    _system(
        "View Setup and Configuration",
        "PermissionsViewSetup",
        "Not used by Touchline",
        Level.NOT_NEEDED,
        "",
        used_by=SYNC_USER,
    ),
    _system(
        "Customize Application",
        "PermissionsCustomizeApplication",
        "Not used by Touchline",
        Level.NOT_NEEDED,
        "",
        used_by=SYNC_USER,
    ),
    Need("Campaigns and campaign members", "Not used by Touchline", Level.NOT_NEEDED, "", ""),
)
