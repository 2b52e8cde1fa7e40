"""G4: how many activities a second eight lanes send while each call takes 100 ms.

A lane is a connection that one worker drains. The product runs as in production: the queue's worker processes under
their watchdog, one process a lane (threads would share one interpreter lock), four lanes in each of two orgs, since
an org takes five calls at a time. The baseline is the bare pipeline in eight processes of its own.
"""

import multiprocessing
import random
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.benchmarks.bare import BarePipeline, wait_until
from tests.benchmarks.meter import median
from tests.benchmarks.queue import WORKER
from tests.benchmarks.report import Line
from tests.benchmarks.world import World, process_of, wait_for

if TYPE_CHECKING:
    from integrations.models import Connection

LANES = 8
CALL_SECONDS = 0.1
OTHER_ORG = 2  # the stand-in's third one, another company's
WARM_UP = 50  # activities of each lane
LATER = timedelta(hours=1)
GIVEN_UP = 300


@dataclass
class Rates:
    """Activities a second of one contestant's runs, and API calls for 1,000."""

    found: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)

    def add(self, count: int, seconds: float, calls: int) -> None:
        """One run."""
        self.found.append(count / seconds)
        self.calls.append(calls * 1000 / count)

    @property
    def rate(self) -> float:
        """The median run's."""
        return median(self.found)

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s ({median(self.calls):.1f} calls/1k)"


def measure(world: World, each: int, runs: int) -> list[Line]:
    """`each` activities in each lane, cold and with addresses known."""
    lanes = Lanes(world, make_connections(world))
    rates = {name: Rates() for name in ("bare cold", "bare warm", "product cold", "product warm")}
    world.stand_in.ask("delay", seconds=CALL_SECONDS)
    try:
        with process_of(world, *WORKER, QUEUE_WORKERS=str(LANES)):
            for _ in range(3):  # imports, describes and plans are not what is measured
                lanes.run_product(WARM_UP, Rates(), cold=False)
            for _ in range(runs):
                for cold, kind in ((True, "cold"), (False, "warm")):
                    lanes.run_bare(each, rates[f"bare {kind}"], cold=cold)
                    lanes.run_product(each, rates[f"product {kind}"], cold=cold)
    finally:
        world.stand_in.ask("delay", seconds=0)
    return [
        Line(title, str(rates[bare]), str(rates[mine]), rates[mine].rate / rates[bare].rate, limit, at_least=True)
        for title, bare, mine, limit in (
            (f"G4 act/s at 100 ms, {LANES} lanes", "bare cold", "product cold", 0.9),
            ("   addresses known already", "bare warm", "product warm", None),
        )
    ]


def make_connections(world: World) -> list["Connection"]:
    """Four members of each of two companies."""
    from tests.benchmarks.world import make_workspace

    names = [f"Lane{number}" for number in range(LANES)]
    there, _ = make_workspace("Globex", "globex.example", world.stand_in, "carl@globex.example")
    found = []
    for number, name in enumerate(names):
        workspace, org = (world.workspace, 0) if number % 2 else (there, OTHER_ORG)
        email = f"{name.lower()}@lanes.example"
        world.stand_in.ask("make_user", email=email, org=org)
        found.append(world.make_connection(name, email, workspace))
    return found


@dataclass
class Lanes:
    """The contestants, over the same backlogs."""

    world: World
    connections: list["Connection"]
    known: int = 0

    def run_product(self, each: int, rates: Rates, *, cold: bool) -> None:
        """All lanes become due at one moment; ends when nothing is due any more."""
        from activity.models import DueJob, SyncJob

        self.world.clear()
        if cold:
            self.world.forget_people()
        self._report(each)
        self.world.tidy()
        before = self._calls()
        started = self._let_go()
        wait_for("the lanes", lambda: not DueJob.objects.exists(), GIVEN_UP)
        seconds = time.monotonic() - started
        count = SyncJob.objects.filter(state="synced").count()
        assert count == self.world.stand_in.ask("tasks") == each * LANES, f"{count} are synced"
        rates.add(count, seconds, self._calls() - before)

    def _rows(self, each: int) -> list[tuple[str, str, str]]:
        """The backlog of all lanes in no order, so that nearly every batch meets somebody unknown."""
        rows = self.world.rows(each * LANES)
        random.Random(each).shuffle(rows)
        if wanted := self.world.addresses[self.known :]:
            self.world.stand_in.ask("make_contacts", addresses=wanted, org=OTHER_ORG)
            self.known = len(self.world.addresses)
        return rows

    def _report(self, each: int) -> None:
        from django.test import override_settings

        rows = self._rows(each)
        with override_settings(SYNC_BATCH_WINDOW=LATER.total_seconds()):
            for lane, connection in enumerate(self.connections):
                self.world.report_rows(rows[lane * each : (lane + 1) * each], connection)

    def _let_go(self) -> float:
        """Make everything due now, wake-ups too; returns when (time.monotonic)."""
        from django.db import transaction
        from django.utils import timezone
        from django_q.models import OrmQ

        from activity.models import DueJob, WakeUp

        with transaction.atomic():
            now = timezone.now()
            DueJob.objects.update(due_at=now)
            WakeUp.objects.update(due_at=now)
            OrmQ.objects.update(lock=now)
        return time.monotonic()

    def run_bare(self, each: int, rates: Rates, *, cold: bool) -> None:
        """Eight processes that begin together; keeps what the product keeps."""
        self.world.clear()
        rows = self._rows(each)
        line = (self.world.url, self.world.instance_url, self.world.stand_in.ca_bundle, self.world.token)
        people = {} if cold else self.world.stand_in.ask("contacts")
        filler = BarePipeline(*line, keep_log=True)
        filler.fill(rows)
        filler.close()
        before = self._calls()
        start_at = time.time() + 3
        with multiprocessing.get_context("spawn").Pool(LANES) as pool:
            lanes = [pool.apply_async(run_lane, (line, number, start_at, people)) for number in range(LANES)]
            ends = [lane.get(GIVEN_UP) for lane in lanes]
        assert sum(count for count, _ in ends) == len(rows)
        rates.add(len(rows), max(end for _, end in ends) - start_at, self._calls() - before)

    def _calls(self) -> int:
        return sum(self.world.stand_in.ask("calls").values())


def run_lane(
    line: tuple[str, str, str, str], lane: int, start_at: float, people: dict[str, str]
) -> tuple[int, float]:
    """One process of the baseline: how many it sent and when it was done (time.time)."""
    pipeline = BarePipeline(*line, keep_log=True, lane=lane, lanes=LANES)
    pipeline.know(people)
    wait_until(start_at)
    done = pipeline.drain()
    ended = time.time()
    pipeline.close()
    return done, ended
