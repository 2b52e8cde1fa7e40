"""G3: how many calls a trickle costs. The real pipeline and its real queue table under a clock that is moved.

Arrivals are random (exponential gaps, seeded); each is captured at its time, each wake-up is taken when it is due.
"""

import random
from datetime import datetime, timedelta
from itertools import pairwise

from tests.benchmarks.report import Line
from tests.benchmarks.world import NOON, World

DAY = 86_400
WINDOW = 10.0  # seconds: the window for which the target was computed
TRAFFIC = (5_000, 50_000, 500_000)  # activities a day of one connection


def count_calls(world: World, per_day: int, minutes: float) -> float:
    """Calls a day at this traffic, looked at for some minutes; addresses are known already."""
    import time_machine
    from django_q.models import OrmQ

    from activity.pipeline.window import end_of_window
    from activity.tasks import log_due_jobs

    chance = random.Random(per_day)
    now = end_of_window(world.connection.pk, NOON, WINDOW)
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
    """Growth from 5,000 to 50,000 and on to 500,000 a day, the ceiling, and the idle connection."""
    from django.test import override_settings

    counts = []
    with override_settings(SYNC_BATCH_WINDOW=WINDOW):
        for per_day in TRAFFIC:
            world.clear()
            world.make_addresses_known(_noon_before(NOON))
            counts.append(count_calls(world, per_day, minutes if per_day < TRAFFIC[-1] else 2))
    lines = [
        Line(
            f"G3 calls/day at {more:,} against {less:,}" if number == 0 else f"   at {more:,} against {less:,}",
            f"{counts[number]:,.0f}",
            f"{counts[number + 1]:,.0f}",
            counts[number + 1] / counts[number],
            2.5,
        )
        for number, (less, more) in enumerate(pairwise(TRAFFIC))
    ]
    ceiling = DAY / WINDOW
    lines.append(Line("   most, of 86,400/W", f"{ceiling:,.0f}", f"{max(counts):,.0f}", max(counts) / ceiling, 1))
    world.clear()
    idle = count_idle_calls(world)
    return [*lines, Line("   idle connection, calls in 10 minutes", "0", str(idle), idle, 0)]


def _noon_before(moment: datetime) -> datetime:
    return moment - timedelta(minutes=1)
