"""Who may do what: a user's profile, and the view of an object that results from it."""

from dataclasses import dataclass, field

from .fields_org import PERMISSIONS
from .schema import Field, ObjectType

PLAIN_PERMISSIONS = frozenset(
    {"ApiEnabled", "EditTask", "EditEvent", "ActivitiesAccess", "ViewSetup", "ConvertLeads"}
)
ADMIN_PERMISSIONS = frozenset(PERMISSIONS) - {"ApiUserOnly", "CreateAuditFields", "UpdateWithInactiveOwner"}

# without the permission these letters of an object's access are gone
NEEDS_PERMISSION = {
    "Task": (("EditTask", "cud"), ("ActivitiesAccess", "crud")),
    "Event": (("EditEvent", "cud"), ("ActivitiesAccess", "crud")),
}


@dataclass(slots=True)
class Profile:
    """What one user may do. Everything is allowed but what is named here, and the permissions not held."""

    permissions: set[str] = field(default_factory=lambda: set(PLAIN_PERMISSIONS))
    denied: dict[str, str] = field(default_factory=dict)  # object -> letters of "crud"
    hidden: set[tuple[str, str]] = field(default_factory=set)  # (object, field): absent for this user
    read_only: set[tuple[str, str]] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)  # ids of records that sharing hides from this user
    password_expired: bool = False


@dataclass(slots=True)
class View:
    """An object as one user sees it: the visible fields and what the user may do (letters of "crud")."""

    object: ObjectType
    access: str
    read_only: frozenset[str]

    @property
    def name(self) -> str:
        """The object's name."""
        return self.object.name

    @property
    def fields(self) -> dict[str, Field]:
        """The visible fields."""
        return self.object.fields

    def flags(self, each: Field) -> str:
        """The field's flags for this user."""
        return each.flags.replace("C", "").replace("U", "") if each.name in self.read_only else each.flags


def build_view(object_type: ObjectType, profile: Profile) -> View:
    """Apply a profile to an object."""
    name = object_type.name
    lost = profile.denied.get(name, "")
    for permission, letters in NEEDS_PERMISSION.get(name, ()):
        if permission not in profile.permissions:
            lost += letters
    hidden = {field_name for object_name, field_name in profile.hidden if object_name == name}
    seen = object_type
    if hidden:
        seen = seen.with_fields({key: each for key, each in seen.fields.items() if key not in hidden})
    access = "" if "r" in lost else "".join(letter for letter in object_type.access if letter not in lost)
    return View(seen, access, frozenset(key for owner, key in profile.read_only if owner == name))
