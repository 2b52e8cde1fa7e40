"""What the org and the user are like: edition, picklists of activities, permissions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.salesforce.calls import Calls, Row, parse_rows, select_known_columns, unknown_columns
from integrations.salesforce.errors import StaleDescribe, UnexpectedAnswer
from integrations.salesforce.ids import id18
from integrations.salesforce.soql import build_query
from integrations.salesforce.times import parse_time

_OPTIONAL = ("InstanceName", "TimeZoneSidKey", "IsReadOnly", "TrialExpirationDate")


@dataclass(frozen=True, slots=True)
class Organization:
    """The org. `edition` is OrganizationType, such as "Enterprise Edition"; `trial_expires` is in UTC."""

    id: str
    name: str
    edition: str
    is_sandbox: bool
    instance: str
    time_zone: str
    is_read_only: bool
    trial_expires: datetime | None


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """A value of Task.Status, in the admin's order; `value` is written, `label` shown."""

    value: str
    label: str
    is_closed: bool
    is_default: bool


@dataclass(frozen=True, slots=True)
class TaskPriority:
    """A value of Task.Priority; `value` is written, `label` shown."""

    value: str
    label: str
    is_default: bool
    is_high: bool


def read_organization(calls: Calls) -> Organization:
    """The org that the token belongs to."""

    def run(optional: list[str]) -> list[Row]:
        columns = ("Id", "Name", "OrganizationType", "IsSandbox", *optional)
        return calls.query(build_query("Organization", columns))

    rows = select_known_columns(run, _OPTIONAL)
    if len(rows) != 1:
        raise UnexpectedAnswer("organization_missing")
    return parse_rows(_organization, rows)[0]


def read_task_statuses(calls: Calls) -> list[TaskStatus]:
    """The org's own values of Task.Status, in their order."""
    query = build_query("TaskStatus", ("ApiName", "MasterLabel", "IsClosed", "IsDefault"), "ORDER BY SortOrder")
    return parse_rows(_task_status, calls.query(query))


def read_task_priorities(calls: Calls) -> list[TaskPriority]:
    """The org's own values of Task.Priority, in their order."""
    columns = ("ApiName", "MasterLabel", "IsDefault", "IsHighPriority")
    query = build_query("TaskPriority", columns, "ORDER BY SortOrder")
    return parse_rows(_task_priority, calls.query(query))


def read_permissions(calls: Calls, names: Sequence[str]) -> dict[str, bool | None]:
    """Whether the user has each permission; None for one that this org does not know.

    Names are columns of UserPermissionAccess, such as PermissionsEditTask. Salesforce refuses a query with an
    unknown column as a whole: then it runs again without the one it named or, where it named none, in halves.
    """
    if not names:
        return {}
    try:
        rows = calls.query(build_query("UserPermissionAccess", names))
    except StaleDescribe as error:
        unknown = unknown_columns(error, names) or (list(names) if len(names) == 1 else [])
        if unknown:
            rest = [name for name in names if name not in unknown]
            return dict.fromkeys(names) | read_permissions(calls, rest)
        middle = len(names) // 2
        return read_permissions(calls, names[:middle]) | read_permissions(calls, names[middle:])
    row = rows[0] if rows else {}
    return {name: row.get(name) for name in names}


def _organization(row: Row) -> Organization:
    return Organization(
        id=id18(row["Id"]),
        name=row["Name"],
        edition=row["OrganizationType"],
        is_sandbox=row["IsSandbox"],
        instance=row.get("InstanceName") or "",
        time_zone=row.get("TimeZoneSidKey") or "",
        is_read_only=bool(row.get("IsReadOnly")),
        trial_expires=parse_time(row.get("TrialExpirationDate")),
    )


def _task_status(row: Row) -> TaskStatus:
    return TaskStatus(row["ApiName"], row["MasterLabel"], row["IsClosed"], row["IsDefault"])


def _task_priority(row: Row) -> TaskPriority:
    return TaskPriority(row["ApiName"], row["MasterLabel"], row["IsDefault"], row["IsHighPriority"])
