"""G3: how many calls a trickle costs. The real pipeline and its real queue table under a clock that is moved.

Arrivals are random (exponential gaps, seeded); each is captured at its time, each wake-up is taken when it is due.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tests.benchmarks.report import Line
from tests.benchmarks.world import NOON, World

DAY = 86_400
WINDOW = 10.0  # seconds: the window for which the target was computed
DEFAULT = 5.0  # seconds: the product's, so that a mail is a Task within ten
TRAFFIC = (5_000, 50_000, 500_000)  # activities a day of one connection


def count_calls(world: World, per_day: int, minutes: float, window: float) -> float:
    """Calls a day at this traffic and window, looked at for some minutes; addresses are known already."""
    import time_machine
    from django_q.models import OrmQ

    from activity.pipeline.window import end_of_window
    from activity.tasks import log_due_jobs

    chance = random.Random(per_day)
    now = end_of_window(world.connection.pk, NOON, window)
    end = now + timedelta(minutes=minutes)
    before = sum(world.stand_in.ask("calls").values())
    while now < end:
        now += timedelta(seconds=chance.expovariate(per_day / DAY))
        while (wake_up := OrmQ.objects.filter(lock__lte=now).order_by("lock").first()) is not None:
            with time_machine.travel(wake_up.lock, tick=False):
                wake_up.delete()
                log_due_jobs(world.connection.pk)
        with time_machine.travel(now, tick=False):
            world.report_one()
    return (sum(world.stand_in.ask("calls").values()) - before) * DAY / (minutes * 60)


def count_idle_calls(world: World) -> int:
    """Calls of ten minutes in which nothing happens, by all that the clock starts each minute."""
    import time_machine

    from activity.tasks import sweep

    before = sum(world.stand_in.ask("calls").values())
    for minute in range(10):
        with time_machine.travel(NOON + timedelta(days=1, minutes=minute), tick=False):
            sweep()
    return sum(world.stand_in.ask("calls").values()) - before


def measure(world: World, minutes: float) -> list[Line]:
    """Growth from 5,000 to 50,000 and on to 500,000 a day, the ceiling, the default window, the idle connection."""
    counts, ceiling = count_each(world, minutes, WINDOW, TRAFFIC), DAY / WINDOW
    lines = [
        _growth(
            f"G3 calls/day at {more:,} against {less:,}" if number == 0 else f"   at {more:,} against {less:,}",
            *counts[number : number + 2],
            2.5,
        )
        for number, (less, more) in enumerate(pairwise(TRAFFIC))
    ]
    lines.append(_ceiling("   most, of 86,400/W", max(counts), ceiling))
    counts, ceiling = count_each(world, minutes, DEFAULT, TRAFFIC[:2]), DAY / DEFAULT
    lines.append(_growth(f"   the same at the default W={DEFAULT:g} s", *counts, None))
    lines.append(_ceiling("   most, of 86,400/W", max(counts), ceiling))
    world.clear()
    idle = count_idle_calls(world)
    return [*lines, Line("   idle connection, calls in 10 minutes", "0", str(idle), idle, 0)]


def count_each(world: World, minutes: float, window: float, traffic: Sequence[int]) -> list[float]:
    """Calls a day for each amount of traffic; the heaviest is looked at shorter."""
    from django.test import override_settings

    counts = []
    with override_settings(SYNC_BATCH_WINDOW=window):
        for per_day in traffic:
            world.clear()
            world.make_addresses_known(_noon_before(NOON))
            counts.append(count_calls(world, per_day, minutes if per_day < TRAFFIC[-1] else 2, window))
    return counts


def _growth(title: str, before: float, after: float, most: float | None) -> Line:
    return Line(title, f"{before:,.0f}", f"{after:,.0f}", after / before, most)


def _ceiling(title: str, most: float, ceiling: float) -> Line:
    return Line(title, f"{ceiling:,.0f}", f"{most:,.0f}", most / ceiling, 1)


def _noon_before(moment: datetime) -> datetime:
    return moment - timedelta(minutes=1)
