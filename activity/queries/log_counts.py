"""The numbers over the Activity Log: how many rows have which status."""

from collections import Counter
from dataclasses import replace
from typing import Any

from django.db.models import QuerySet, Sum

from activity.counts import COUNT_TO, Count, count_rows
from activity.models import Counted, Kind, ObjectType, StatusGroup, SyncJob
from activity.queries.log import LogFilters, equalities, select_jobs
from workspaces.models import Membership, Workspace


def status_counts(
    workspace: Workspace,
    filters: LogFilters,
    owner: Membership | None = None,
    *,
    viewer: Membership | None = None,
) -> dict[StatusGroup, Count]:
    """Rows per status under all the other filters; `since` and `until` fall on quarters of an hour.

    The kept counts know no recipients: of a search for one the rows are read, COUNT_TO in all.
    """
    if filters.recipient:
        return _count_found(select_jobs(workspace, replace(filters, status=""), owner, viewer))
    counts = dict.fromkeys(StatusGroup, Count())
    rows = count_rows(Counted.LOG, workspace, owner, since=filters.since, until=filters.until)
    rows = rows.filter(**_count_equalities(filters))
    for state, count in rows.values_list("state").annotate(Sum("rows")):
        counts[StatusGroup.of(state)] += Count(count)
    return counts


def _count_found(jobs: QuerySet[SyncJob]) -> dict[StatusGroup, Count]:
    states = list(jobs.order_by().values_list("state", flat=True)[: COUNT_TO + 1])
    numbers = Counter(StatusGroup.of(state) for state in states[:COUNT_TO])
    return {group: Count(numbers[group], is_exact=len(states) <= COUNT_TO) for group in StatusGroup}


def _count_equalities(filters: LogFilters) -> dict[str, Any]:
    """The same conditions on the kept counts, but for status and times. A kind says what object its rows are."""
    wanted = equalities(replace(filters, status="", since=None, until=None))
    object_type = wanted.pop("object_type", "")
    if object_type:
        wanted["kind__in"] = [kind for kind in Kind if kind.is_meeting == (object_type == ObjectType.EVENT)]
    return wanted
