"""G1, G2, G14: what a backlog costs from claim to result, in processor time, API calls and bytes of log."""

from dataclasses import dataclass, field

from config.queue_watchdog.loading import load_tasks
from tests.benchmarks.bare import BarePipeline
from tests.benchmarks.meter import Cost, median, metered
from tests.benchmarks.report import Line
from tests.benchmarks.two_updates import wal_of_two_updates
from tests.benchmarks.world import World

MOST_DRAINS = 10  # each works for 45 s
FEW, MANY = 200, 1_000
"""Records in a call: of one collection, and of a composite of five."""
KEPT_BY_TRIGGERS = ("logchange", "rowcountchange", "rowcountsum")
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


def run_product(world: World, runs: Runs, *, cold: bool, in_a_call: int | None = None) -> None:
    """One backlog through the product, by the function that the queue calls; `cold`: no address is remembered.

    As shipped, or with so many records in a call from the first to the last. What an org was found to take is
    forgotten first: as shipped a call holds 200 records, and five fast ones double that, up to 1,000.
    """
    from django.conf import settings
    from django.test import override_settings

    from activity.models import OrgPace

    world.clear()
    if cold:
        world.forget_people()
    OrgPace.objects.all().delete()
    if in_a_call:
        OrgPace.objects.create(org_id=world.connection.org.org_id, records_per_call=in_a_call)
    world.report(runs.size)
    world.tidy()
    with override_settings(SYNC_RECORDS_PER_CALL=in_a_call or settings.SYNC_RECORDS_PER_CALL):
        _drain(world, runs)
    paces = OrgPace.objects.filter(org_id=world.connection.org.org_id)
    if in_a_call:
        assert paces.get().records_per_call == in_a_call, "the stand-in was slow"
    paces.delete()


def _drain(world: World, runs: Runs) -> None:
    """Send all that is due, metered."""
    from activity.counts import fold_counts
    from activity.models import DueJob, SyncJob
    from activity.tasks import log_due_jobs

    before = sum(world.stand_in.ask("calls").values())
    with metered(world.url) as cost:
        for _ in range(MOST_DRAINS):
            log_due_jobs(world.connection.pk)
            if not DueJob.objects.exists():
                break
        fold_counts()  # as each minute
    synced = SyncJob.objects.filter(state="synced").count()
    assert synced == world.stand_in.ask("tasks") == runs.size, f"{synced} of {runs.size} are synced"
    runs.costs.append(cost)
    runs.calls.append(sum(world.stand_in.ask("calls").values()) - before)


@dataclass
class Contestants:
    """The runs of each, over the same backlog. Warm ones begin with the addresses known.

    `plain`: bare, keeping results only. `like`: bare, keeping what the product keeps. `shipped`: the product with its
    own settings. `few`: the product with 200 records in each call, as the bare ones have. `many`: with 1,000.
    """

    plain: Runs
    like: Runs
    like_warm: Runs
    shipped: Runs
    shipped_warm: Runs
    few: Runs
    few_warm: Runs
    many: Runs
    many_warm: Runs


def measure(world: World, size: int, targets: set[str], runs: int) -> list[Line]:
    """The lines of the targets that are asked for."""
    each = Contestants(*(Runs(size) for _ in range(9)))
    world.rows(size)
    run_product(world, Runs(size), cold=True)  # imports, describes and plans are not what is measured
    load_tasks()  # as a worker does
    for _ in range(runs):
        _run_round(world, each, with_more="G1" in targets)
    lines = []
    if "G1" in targets:
        lines += processor_lines(each)
    if "G2" in targets:
        lines += call_lines(size, each.plain, each.few, each.few_warm)
    if "G14" in targets:
        lines += wal_lines(world, each.few)
    return lines


def _run_round(world: World, each: Contestants, *, with_more: bool) -> None:
    """Each once; those that only G1 shows where it is asked for."""
    world.clear()
    run_bare(world, each.plain, keep_log=False)
    run_product(world, each.few, cold=True, in_a_call=FEW)
    run_product(world, each.few_warm, cold=False, in_a_call=FEW)
    if with_more:
        people = run_bare(world, each.like, keep_log=True)
        run_product(world, each.shipped, cold=True)
        run_bare(world, each.like_warm, keep_log=True, people=people)
        run_product(world, each.shipped_warm, cold=False)
        run_product(world, each.many, cold=True, in_a_call=MANY)
        run_product(world, each.many_warm, cold=False, in_a_call=MANY)


def processor_lines(each: Contestants) -> list[Line]:
    """The target's baseline asks and keeps what the product does, with 200 records in each call.

    The target is the product's as shipped, cold: its calls grow from 200 to 1,000 records in a backlog of 10,000,
    and hardly in a small one. Below it the same against a baseline that keeps results only, the same warm, and the
    product with 200 and with 1,000 records in every call, cold and warm.
    """

    def line(title: str, bare: Runs, product: Runs, target: float | None = None) -> Line:
        return Line(title, bare.split, product.split, product.cpu / bare.cpu, target)

    return [
        line("G1 CPU/1k as shipped, bare keeps the same", each.like, each.shipped, 1.6),
        line("   against bare keeping results only", each.plain, each.shipped),
        line("   addresses known already", each.like_warm, each.shipped_warm),
        line(f"   {FEW} in a call", each.like, each.few),
        line(f"   {FEW} in a call, addresses known", each.like_warm, each.few_warm),
        line(f"   {MANY:,} in a call", each.like, each.many),
        line(f"   {MANY:,} in a call, addresses known", each.like_warm, each.many_warm),
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
    """The queue's row and the log's, with what its triggers keep, against two updates of the log's row; the rest, by
    table."""
    run = sorted(cold.costs, key=lambda each: sum(each.wal_of.values()))[len(cold.costs) // 2]
    each = {name: count / cold.size for name, count in sorted(run.wal_of.items(), key=lambda each: -each[1])}
    claim = sum(each.pop(f"activity_{table}", 0) for table in ("duejob", "syncjob", *KEPT_BY_TRIGGERS))
    naive = wal_of_two_updates(world.url)
    lines = [Line("G14 WAL/activity, queue and log row", f"{naive:.0f} B", f"{claim:.0f} B", claim / naive, 0.5)]
    for name, count in each.items():
        if count >= SMALL:
            lines.append(Line(f"   {name.removeprefix('activity_')}", "", f"{count:.0f} B", count / naive))
    return lines
