"""G5, G6: how soon the queue takes what is due, what it costs while idle, and what a task costs."""

import random
import time
from datetime import datetime

from django.utils import timezone

from tests.benchmarks.meter import cpu_ms_of, median, metered
from tests.benchmarks.report import Line
from tests.benchmarks.world import World, process_of, wait_for

WORKER = ("-m", "config.queue_watchdog")
"""What `make worker` starts."""

SETTLE = 15  # seconds after its start in which the worker runs what the clock starts


def do_nothing() -> None:
    """The task whose cost is the queue's own."""


def measure(world: World, *, samples: int, idle_seconds: float) -> list[Line]:
    """With the production worker running."""
    world.clear()
    world.make_addresses_known(timezone.now())
    with process_of(world, *WORKER, QUEUE_WORKERS="2") as worker:
        run_tasks(1)
        delays = sorted(delay_of_one(world) for _ in range(samples))
        idle = idle_percent(world, worker.pid, idle_seconds)
        task = cost_of_task(world, worker.pid, 300)
    late = delays[int(len(delays) * 0.95)]
    tasks, size = tasks_of_backlog(world, 2_000)
    each = task * tasks / size
    shown = f"{each * 1000:.2f} ms ({tasks} for {size:,})"
    return [
        Line(
            f"G5 due -> sent, p95 of {samples}",
            "1 s",
            f"{late * 1000:.0f} ms (median {median(delays) * 1000:.0f})",
            late,
            1,
        ),
        Line("   idle worker and PostgreSQL, of a core", "1.5 %", f"{idle:.2f} %", idle, 1.5),
        Line("G6 queue CPU/1k activities", f"{task * 1000:,.0f} ms (a task each)", shown, each / task, 0.01),
    ]


def run_tasks(count: int) -> None:
    """Put no-ops into the queue and wait until they are done."""
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    for _ in range(count):
        async_task("tests.benchmarks.queue.do_nothing")
    wait_for("the queue", lambda: not OrmQ.objects.exists(), 120)


def delay_of_one(world: World) -> float:
    """Seconds from due to the moment when the attempt was written down, just before the call: later than claimed."""
    from activity.models import DueJob, SyncAttempt, SyncJob

    time.sleep(random.uniform(0.5, 1))
    world.report_one()
    job = SyncJob.objects.latest("pk")
    due_at: datetime = DueJob.objects.filter(job=job).values_list("due_at", flat=True).first() or timezone.now()
    wait_for("a job", lambda: SyncAttempt.objects.filter(job_id=job.pk).exists(), 30)
    return max(0.0, (SyncAttempt.objects.get(job_id=job.pk).started_at - due_at).total_seconds())


def idle_percent(world: World, worker: int, seconds: float) -> float:
    """CPU of the worker's processes and PostgreSQL's while nothing is due, in % of a core."""
    time.sleep(SETTLE)
    started, before = time.monotonic(), cpu_ms_of(worker, world.postmaster)
    time.sleep(seconds)
    return (cpu_ms_of(worker, world.postmaster) - before) / ((time.monotonic() - started) * 10)


def cost_of_task(world: World, worker: int, count: int) -> float:
    """CPU of one no-op, in ms: putting it in, taking it out, running it."""
    mine = time.process_time()
    with metered(world.url, worker) as cost:
        run_tasks(count)
    return (cost.cpu_ms + (time.process_time() - mine) * 1000) / count


def tasks_of_backlog(world: World, size: int) -> tuple[int, int]:
    """Tasks that the queue gets for a backlog; without a worker, so that all of it is there at once."""
    world.clear()
    before = world.enqueued()
    world.report(size)
    return world.enqueued() - before, size
