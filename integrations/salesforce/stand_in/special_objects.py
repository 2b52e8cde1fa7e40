"""Objects that have no stored rows: their rows are worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .errors import ApiError
from .ids import id18
from .pickers import asked_values, joined_comparisons
from .tables import Record

if TYPE_CHECKING:
    from .org import Org
    from .query import Search


def own_permissions(search: Search) -> list[Record]:
    """The one row of UserPermissionAccess: what the asking user may do."""
    held = search.org.profiles[search.user_id].permissions
    return [
        {
            "Id": "0PA" + search.user_id[3:],
            **{name: name.removeprefix("Permissions") in held for name in search.view.fields if name != "Id"},
        }
    ]


def record_access(search: Search) -> list[Record]:
    """The rows of UserRecordAccess: what a user may do with the records that are asked for."""
    asked = {
        str(part.field).lower(): [id18(text) or "" for text in asked_values(part) or []]
        for part in joined_comparisons(search.query)
    }
    user_ids, record_ids = asked.get("userid"), asked.get("recordid")
    if not user_ids or not record_ids or len(record_ids) > 200:
        message = (
            "Can select only RecordId, a Has*Access field and MaxAccessLevel, by one UserId and up to 200 RecordIds"
        )
        raise ApiError("MALFORMED_QUERY", message=message)
    return [access_row(search.org, user_ids[0], record_id) for record_id in record_ids]


def access_row(org: Org, user_id: str, record_id: str) -> Record:
    """What one user may do with one record."""
    profile, name = org.profiles.get(user_id), org.object_of(record_id)
    view = org.view(user_id, name) if name and profile else None
    is_there = view is not None and record_id in org.tables[name].rows and record_id not in profile.unseen
    letters = view.access if is_there else ""
    row: Record = {"UserId": user_id, "RecordId": record_id}
    row |= {"HasReadAccess": "r" in letters, "HasEditAccess": "u" in letters, "HasDeleteAccess": "d" in letters}
    row |= {"HasTransferAccess": "u" in letters, "HasAllAccess": letters == "crud"}
    return row | {"MaxAccessLevel": "All" if letters == "crud" else "Edit" if "u" in letters else "Read"}


SPECIAL: dict[str, Callable[[Search], list[Record]]] = {
    "UserPermissionAccess": own_permissions,
    "UserRecordAccess": record_access,
}
