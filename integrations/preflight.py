"""Does this Salesforce user have what we need? Asked at connect, on demand, daily, and after a permission error."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from integrations import describes, losses
from integrations.connections import client_for
from integrations.models import Connection, SalesforceOrg
from integrations.needs import NEEDS, For, Level, Need
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.describe import Describe
from integrations.salesforce.errors import ConnectionLost, PermissionLost, RecordGone, SalesforceError

SOON_AFTER = timedelta(hours=1)
"""A permission error asks for a new check, but not more often than this."""

# Editions with API access; Professional buys it as an add-on (Salesforce help: Salesforce Editions with API Access).
EDITIONS_WITH_API = ("Enterprise Edition", "Performance Edition", "Unlimited Edition", "Developer Edition")
EDITIONS_WITH_ADD_ON = ("Professional Edition",)
EDITIONS_HELP = "https://help.salesforce.com/s/articleView?id=000385436&type=1"


NOT_NEEDED_WORDS = {
    True: "Granted; Touchline does not use it",
    False: "Not granted, and that is fine",
    None: "",
}


class Result(StrEnum):
    """How a need was met."""

    PASS = "pass"  # noqa: S105 - a result, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table that people see; kept as JSON with the connection."""

    name: str
    what_for: str
    level: str
    result: str
    stops: str
    where: str
    blocks: bool = False

    @property
    def fails(self) -> bool:
        """Whether something stops working."""
        return self.result == Result.FAIL


def rows_of(stored: Iterable[dict[str, object]]) -> list[Row]:
    """The rows as they were kept in `preflight` of a Connection or PendingGrant, what is missing first."""
    rows = [Row(**row) for row in stored]
    return sorted(rows, key=lambda row: (not row.fails, row.fails and row.level != Level.NEEDED))


def to_json(rows: Iterable[Row]) -> list[dict[str, object]]:
    """What `rows_of` reads."""
    return [asdict(row) for row in rows]


def uses_of(connection: Connection) -> frozenset[For]:
    """What the connection serves as: a member's own, the Sync User (or its stand-by), or both."""
    posts = SalesforceOrg.objects.filter(sync_user=connection) | SalesforceOrg.objects.filter(stand_by=connection)
    uses = {For.MEMBER} if connection.membership_id else set()
    return frozenset(uses | {For.SYNC_USER} if posts.exists() or not uses else uses)


def check(client: SalesforceClient, uses: frozenset[For]) -> list[Row]:
    """Ask Salesforce for everything that these uses need: about eight calls. Raises SalesforceError."""
    needs = [need for need in NEEDS if need.used_by & uses]
    wanted = {need.object_name for need in needs if need.object_name}
    permissions = client.permissions([need.permission for need in needs if need.permission])
    described = {name: _describe(client, name) for name in sorted(wanted)}
    return [_row(need, permissions, described) for need in needs]


def _describe(client: SalesforceClient, object_name: str) -> Describe | None:
    """The describe; None where the user may not see the object at all."""
    try:
        return client.describe(object_name)
    except RecordGone:
        return None


def _row(need: Need, permissions: dict[str, bool | None], described: dict[str, Describe | None]) -> Row:
    granted = permissions.get(need.permission)
    if need.level is Level.NOT_NEEDED:
        return Row(need.name, need.what_for, need.level, Result.NOT_NEEDED, NOT_NEEDED_WORDS[granted], "")
    stops = need.stops
    if need.permission:
        result = Result.UNKNOWN if granted is None else Result.PASS if granted else Result.FAIL
    else:
        missing = _missing(need, described[need.object_name])
        result = Result.FAIL if missing else Result.PASS
        stops = f"Missing: {', '.join(missing)}. {stops}" if missing and need.fields else stops
    return Row(need.name, need.what_for, need.level, result, stops, need.where, need.blocks)


def _missing(need: Need, describe: Describe | None) -> list[str]:
    """The rights or fields that are not there."""
    if describe is None:
        return [need.name]
    if not need.fields:
        return [] if getattr(describe, need.right) else [need.right]
    fields = ((name, describe.fields.get(name)) for name in need.fields)
    return [name for name, field in fields if field is None or (need.right and not getattr(field, need.right))]


def blocking(rows: Iterable[Row]) -> list[Row]:
    """The failed rows without which nothing can be logged."""
    return [row for row in rows if row.blocks and row.fails]


def run(connection: Connection) -> list[Row]:
    """Check the connection again, keep the rows, and act on them.

    A connection that lacks what everything depends on is held (nothing is lost); one that was held for a cause that
    an admin can mend is restored when Salesforce takes it again. Raises SalesforceError when it cannot be asked.
    """
    client = client_for(connection, trial=True)
    try:
        rows = check(client, uses_of(connection))
    except ConnectionLost as error:
        losses.mark_lost(connection, error)
        raise
    describes.drop(connection)
    _keep(connection, rows)
    failed = blocking(rows)
    if failed:
        losses.mark_lost(connection, PermissionLost("preflight", salesforce_text=_sentence(failed)))
    else:
        losses.restore(connection)
    return rows


def run_soon(connection: Connection) -> bool:
    """Note that Salesforce refused something for lack of a right: check again now, at most once an hour.

    Returns whether it was checked. Never raises for Salesforce.
    """
    long_ago = timezone.now() - SOON_AFTER
    claimed = Connection.objects.filter(pk=connection.pk, disconnected_at=None).exclude(preflight_at__gt=long_ago)
    if not claimed.update(preflight_at=timezone.now()):
        return False
    try:
        run(connection)
    except SalesforceError:
        return False
    return True


def _keep(connection: Connection, rows: list[Row]) -> None:
    connection.preflight, connection.preflight_at = to_json(rows), timezone.now()
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(
            preflight=connection.preflight, preflight_at=connection.preflight_at
        )


def _sentence(failed: list[Row]) -> str:
    return "Missing permission: " + ", ".join(row.name for row in failed) + "."


def api_access(edition: str) -> str:
    """Whether an edition has the API: "yes", "add-on" or "no"."""
    if edition in EDITIONS_WITH_ADD_ON:
        return "add-on"
    return "yes" if edition in EDITIONS_WITH_API else "no"
