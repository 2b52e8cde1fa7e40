"""G1, G2, G14: what a backlog costs from claim to result, in processor time, API calls and bytes of log."""

from dataclasses import dataclass, field

from config.queue_watchdog.loading import load_tasks
from tests.benchmarks.bare import BarePipeline
from tests.benchmarks.meter import Cost, median, metered
from tests.benchmarks.report import Line
from tests.benchmarks.two_updates import wal_of_two_updates
from tests.benchmarks.world import World

MOST_DRAINS = 10  # each works for 45 s
MOST_IN_A_CALL = 1_000
SMALL = 50  # bytes an activity, below which a table is not listed


@dataclass
class Runs:
    """The runs of one contestant over the same backlog."""

    size: int
    costs: list[Cost] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Milliseconds for 1,000 activities: the median run."""
        return median([each.cpu_ms for each in self.costs]) * 1000 / self.size

    @property
    def split(self) -> str:
        """The same with Python's and PostgreSQL's parts."""
        middle = sorted(self.costs, key=lambda each: each.cpu_ms)[len(self.costs) // 2]
        python, postgres = (part / self.size * 1000 for part in (middle.python_ms, middle.postgres_ms))
        return f"{self.cpu:.0f} ms ({python:.0f}+{postgres:.0f})"

    @property
    def calls_per_thousand(self) -> float:
        """API calls for 1,000 activities."""
        return median(self.calls) * 1000 / self.size


def run_bare(world: World, runs: Runs, *, keep_log: bool, people: dict[str, str] | None = None) -> dict[str, str]:
    """One backlog through the bare pipeline; returns the people it knows afterwards, for a run that begins warm."""
    pipeline = BarePipeline(world.url, world.instance_url, world.stand_in.ca_bundle, world.token, keep_log=keep_log)
    pipeline.fill(world.rows(runs.size))
    pipeline.know(people or {})
    world.tidy()
    with metered(world.url) as cost:
        done = pipeline.drain()
    assert done == runs.size, f"{done} of {runs.size} were sent"
    runs.costs.append(cost)
    runs.calls.append(pipeline.calls)
    pipeline.close()
    return pipeline.people


def run_product(world: World, runs: Runs, *, cold: bool) -> None:
    """One backlog through the product, by the function that the queue calls."""
    from activity.models import DueJob, SyncJob
    from activity.tasks import log_due_jobs

    world.clear()
    if cold:
        world.forget_people()
    world.report(runs.size)
    world.tidy()
    before = sum(world.stand_in.ask("calls").values())
    with metered(world.url) as cost:
        for _ in range(MOST_DRAINS):
            log_due_jobs(world.connection.pk)
            if not DueJob.objects.exists():
                break
    synced = SyncJob.objects.filter(state="synced").count()
    assert synced == world.stand_in.ask("tasks") == runs.size, f"{synced} of {runs.size} are synced"
    runs.costs.append(cost)
    runs.calls.append(sum(world.stand_in.ask("calls").values()) - before)


def run_fast(world: World, runs: Runs) -> None:
    """One backlog through the product, cold, in an org that proved fast: 1,000 records in a call."""
    from django.test import override_settings

    from activity.models import OrgPace

    pace = {"records_per_call": MOST_IN_A_CALL}
    OrgPace.objects.update_or_create(org_id=world.connection.org.org_id, defaults=pace)
    with override_settings(SYNC_RECORDS_PER_CALL=MOST_IN_A_CALL):
        run_product(world, runs, cold=True)
    OrgPace.objects.all().delete()


def measure(world: World, size: int, targets: set[str], runs: int) -> list[Line]:
    """The lines of the targets that are asked for."""
    plain, like, like_warm, cold, warm, fast = (Runs(size) for _ in range(6))
    world.rows(size)
    run_product(world, Runs(size), cold=True)  # imports, describes and plans are not what is measured
    load_tasks()  # as a worker does
    for _ in range(runs):
        world.clear()
        run_bare(world, plain, keep_log=False)
        people = run_bare(world, like, keep_log=True)
        run_bare(world, like_warm, keep_log=True, people=people)
        run_product(world, cold, cold=True)
        run_product(world, warm, cold=False)
        run_fast(world, fast)
    lines = []
    if "G1" in targets:
        lines += processor_lines(plain, like, like_warm, cold, warm)
        lines.append(Line(f"   {MOST_IN_A_CALL:,} in a call", like.split, fast.split, fast.cpu / like.cpu))
    if "G2" in targets:
        lines += call_lines(size, plain, cold, warm)
    if "G14" in targets:
        lines += wal_lines(world, cold)
    return lines


def processor_lines(plain: Runs, like: Runs, like_warm: Runs, cold: Runs, warm: Runs) -> list[Line]:
    """The baseline of the target asks and keeps what the product does; plain, it keeps results only."""
    return [
        Line("G1 CPU/1k, bare keeps the same", like.split, cold.split, cold.cpu / like.cpu, 1.6),
        Line("   against bare keeping results only", plain.split, cold.split, cold.cpu / plain.cpu),
        Line("   addresses known already", like_warm.split, warm.split, warm.cpu / like_warm.cpu),
    ]


def call_lines(size: int, plain: Runs, cold: Runs, warm: Runs) -> list[Line]:
    """Counted by the stand-in, describes left out: they are read once a day."""
    least = -(-size // 200) * 1000 / size
    baseline = f"{least:.1f} (bare {plain.calls_per_thousand:.1f})"
    lines = []
    for title, runs in ((f"G2 calls/1k of {size}, cold", cold), ("   addresses known already", warm)):
        count = runs.calls_per_thousand
        lines.append(Line(title, baseline, f"{count:.2f} calls", count, 6))
    return lines


def wal_lines(world: World, cold: Runs) -> list[Line]:
    """The queue's row and the log's against two updates of the log's row; the rest, by table."""
    run = sorted(cold.costs, key=lambda each: sum(each.wal_of.values()))[len(cold.costs) // 2]
    each = {name: count / cold.size for name, count in sorted(run.wal_of.items(), key=lambda each: -each[1])}
    claim = each.pop("activity_duejob") + each.pop("activity_syncjob")
    naive = wal_of_two_updates(world.url)
    lines = [Line("G14 WAL/activity, queue and log row", f"{naive:.0f} B", f"{claim:.0f} B", claim / naive, 0.5)]
    for name, count in each.items():
        if count >= SMALL:
            lines.append(Line(f"   {name.removeprefix('activity_')}", "", f"{count:.0f} B", count / naive))
    return lines
