"""Counts that cost the same however many rows there are (activity/models/counts.py says how they are kept)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db.models import QuerySet, Sum

from activity.models import Counted, RowCount, RowCountSum
from workspaces.models import Membership, Workspace

COUNT_TO = 1_000


def count_rows(
    counted: Counted,
    workspace: Workspace,
    owner: Membership | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[RowCount]:
    """The counts of a member, or of everybody (`owner` None), to be filtered further and summed over `rows`.

    `since` is included, `until` is not; both are taken to the quarter of an hour. Without them what is summed does
    not grow with time.
    """
    counts = _counts_since(RowCount.objects.filter(workspace=workspace, counted=counted), since, until)
    return counts.filter(owner__isnull=True) if owner is None else counts.filter(owner=owner)


def count_rows_of(
    counted: Counted, workspace: Workspace, owners: QuerySet[Membership], since: datetime | None = None
) -> QuerySet[RowCount]:
    """The same of several members."""
    return _counts_since(RowCount.objects.filter(workspace=workspace, counted=counted, owner__in=owners), since)


def _counts_since(
    counts: QuerySet[RowCount], since: datetime | None, until: datetime | None = None
) -> QuerySet[RowCount]:
    if since is None and until is None:
        return counts.filter(quarter__isnull=True)
    bounds = {"quarter__gte": since, "quarter__lt": until}
    return counts.filter(**{name: bound for name, bound in bounds.items() if bound})


def sum_rows(counts: QuerySet[RowCount]) -> int:
    """The rows of these counts together. One query."""
    return counts.aggregate(rows=Sum("rows"))["rows"] or 0


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows as a page shows it; where it is not exact, there are more, or may be."""

    number: int = 0
    is_exact: bool = True

    def __str__(self) -> str:
        if self.is_exact:
            return f"{self.number:,}"
        return f"{self.number:,}+" if self.number else "–"

    def __add__(self, other: "Count") -> "Count":
        return Count(self.number + other.number, self.is_exact and other.is_exact)


def count_up_to(rows: QuerySet, most: int = COUNT_TO) -> Count:
    """How many rows there are, read no further than `most`: for what the kept counts do not know. One query."""
    found = len(rows.order_by().values_list("pk")[: most + 1])
    return Count(min(found, most), is_exact=found <= most)


_FOLD = """
WITH folded AS (DELETE FROM activity_rowcountchange RETURNING *)
INSERT INTO activity_rowcountsum (workspace_id, owner_id, counted, quarter, kind, state, reason, error_code, rows)
SELECT workspace_id, owner_id, counted, quarter, kind, state, reason, error_code, sum(rows) FROM folded
GROUP BY workspace_id, counted, kind, state, reason, error_code, CUBE (owner_id, quarter)
HAVING sum(rows) <> 0
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
ON CONFLICT (workspace_id, owner_id, counted, quarter, kind, state, reason, error_code)
DO UPDATE SET rows = activity_rowcountsum.rows + excluded.rows
"""


def fold_counts() -> None:
    """Add what changed to the sums. One statement: nobody sees a change twice or not at all.

    A second fold at the same moment finds other changes; the order keeps the two from waiting for each other.
    """
    with database.cursor() as cursor:
        cursor.execute(_FOLD)


def forget_empty_counts() -> None:
    """Forget the sums of which nothing is left."""
    RowCountSum.objects.filter(rows=0).delete()
