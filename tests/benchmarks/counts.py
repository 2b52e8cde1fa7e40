"""G10: the counts per status of the Activity Log beside counting its rows, in a log of a million of them.

The target is 1/500 at 10 million rows; what counting costs grows with the rows, so that a smaller log has a larger
share. Both must give the same numbers.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
from django.db.models import Count as CountRows
from django.utils import timezone

from tests.benchmarks.report import Line
from tests.benchmarks.world import World

ROWS_OF_TARGET = 10_000_000
TARGET = 1 / 500
MEMBERS = 20
RUNS = 20
SHARE_OF_BUSIEST = 0.5
DAYS = 15
AT_ONCE = 100_000

FILL = """
INSERT INTO activity_syncjob (
    uuid, workspace_id, activity_id, owner_id, kind, object_type, recipient, subject, state, reason, reason_detail,
    error_code, key, salesforce_id, person_type, person_id, person_name, related_type, related_id, related_name,
    match_rule, created_at, changed_at
)
SELECT gen_random_uuid(), %(workspace)s, %(activity)s, %(owner)s, kind, 'Task', n || '@customer.example', 'Offer',
    state, CASE state WHEN 'failed' THEN 'rejected' WHEN 'skipped' THEN 'no_match' ELSE '' END, '',
    CASE state WHEN 'failed' THEN 'CODE_' || n %% 5 ELSE '' END, lpad(n::text, 26, '0'),
    CASE state WHEN 'synced' THEN lpad(n::text, 18, '0') ELSE '' END, '', '', '', '', '', '', '', made, made
FROM (
    SELECT n, %(now)s - random() * %(days)s * interval '1 day' AS made,
        (ARRAY['sent', 'received', 'replied', 'opened', 'clicked'])[1 + n %% 5] AS kind,
        (ARRAY['synced', 'synced', 'synced', 'synced', 'synced', 'synced', 'failed', 'skipped', 'waiting'])[
            1 + (random() * 8.4)::int
        ] AS state
    FROM generate_series(%(first)s, %(last)s) AS n
) AS made
"""


def measure(world: World, size: int) -> list[Line]:
    """The busiest member's tiles, and everybody's."""
    from activity.counts import fold_counts
    from activity.queries.log import LogFilters

    world.clear()
    owners = _fill(world, size)
    fold_counts()
    world.tidy()
    limit = TARGET * ROWS_OF_TARGET / size
    since = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    lines = [
        _compare(world, f"G10 counts per status of a member's {size // 2:,}", owners[0], LogFilters(), limit),
        _compare(world, "   of one kind", owners[0], LogFilters(kind="opened"), limit),
        _compare(world, "   of the last three days", owners[0], LogFilters(since=since)),
        _compare(world, f"   of everybody's {size:,}", None, LogFilters(), limit),
    ]
    world.clear()
    return lines


def _fill(world: World, size: int) -> list:
    """Rows of the last 15 days, half of them of the first member."""
    from tests.activity.rows import make_activity
    from tests.people import make_person
    from workspaces import members

    owners = [members.add(world.workspace, make_person(f"Member{number}")) for number in range(MEMBERS)]
    of_each = [int(size * SHARE_OF_BUSIEST), *[int(size * (1 - SHARE_OF_BUSIEST)) // (MEMBERS - 1)] * (MEMBERS - 1)]
    number = 0
    with psycopg.connect(world.url, autocommit=True) as connection:
        for owner, rows in zip(owners, of_each, strict=True):
            activity = make_activity(owner)
            whose = {"workspace": world.workspace.pk, "activity": activity.pk, "owner": owner.pk}
            when = {"now": timezone.now(), "days": DAYS}
            for first in range(number, number + rows, AT_ONCE):
                last = min(first + AT_ONCE, number + rows) - 1
                connection.execute(FILL, whose | when | {"first": first, "last": last})
            number += rows
    return owners


def _compare(world: World, title: str, owner, filters, limit: float | None = None) -> Line:
    from activity.models import StatusGroup
    from activity.queries.log import select_jobs
    from activity.queries.log_counts import status_counts

    def kept() -> dict:
        return {group: count.number for group, count in status_counts(world.workspace, filters, owner).items()}

    def counted() -> dict:
        found = dict.fromkeys(StatusGroup, 0)
        rows = select_jobs(world.workspace, filters, owner, None).order_by()
        for state, number in rows.values_list("state").annotate(CountRows("id")):
            found[StatusGroup.of(state)] += number
        return found

    assert kept() == counted()
    baseline, measured = _p95(counted), _p95(kept)
    return Line(title, f"{baseline:.1f} ms", f"{measured:.2f} ms", measured / baseline, limit)


def _p95(work: Callable[[], object]) -> float:
    """Milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)[int(RUNS * 0.95) - 1]
