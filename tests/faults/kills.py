"""Workers killed at random moments of their 200-row batches, over and over: each batch loses its worker once."""

import random
import signal
import time
from collections.abc import Callable

from tests.faults.counts import Counts, count, is_settled
from tests.faults.waves import warm_up
from tests.faults.world import Slot, World, kill

BATCH = 200
AHEAD = 2  # batches that wait in each slot
TIME_LIMIT = 1200.0
SETTLE_LIMIT = 150.0


class Killer:
    """See the module. `rows` of a batch are leased when its worker is killed: fewer would be no whole batch."""

    def __init__(self, world: World, slots: list[Slot], seed: int) -> None:
        self.world, self.slots = world, {slot.connection_id: slot for slot in slots}
        self.random = random.Random(seed)
        self.tags: dict[int, list[str]] = {slot.number: [] for slot in slots}
        self.struck: set[int] = set()  # the rows whose batch lost its worker
        self.batches = 0
        self.kills = 0

    def run(self, kills: int, say: Callable[[str], None]) -> Counts:
        """Kill so many workers, let the rest of the work be done, count."""
        deadline = time.monotonic() + TIME_LIMIT
        while self.kills < kills and time.monotonic() < deadline:
            self._feed()
            self.world.sweep_if_due()
            self._kill_one()
            time.sleep(self.random.uniform(0.0, 0.3))
        say(f"  {self.kills} workers killed within {BATCH}-row batches; {self.batches * BATCH} rows reported")
        self.world.wait_for(lambda: is_settled(self.world, self.tags), SETTLE_LIMIT)
        return count(self.world, self.tags)

    def _feed(self) -> None:
        """A whole batch for each slot that has few untouched ones waiting."""
        from activity.models import DueJob

        for connection, slot in self.slots.items():
            fresh = DueJob.objects.filter(connection=connection, deaths=0, leased=False).count()
            if fresh < AHEAD * BATCH:
                stem = f"b{self.batches}"
                self.batches += 1
                self.tags[slot.number] += self.world.report(slot, [f"{stem}-{number}" for number in range(BATCH)])
                return

    def _kill_one(self) -> None:
        """Somebody who has a whole batch in hand."""
        from django.utils import timezone

        from activity.models import DueJob

        workers = self.world.points.busy_workers()
        self.random.shuffle(workers)
        for process, connection in workers:
            if connection not in self.slots:
                continue
            time.sleep(self.random.uniform(0.0, 0.25))
            batch = DueJob.objects.filter(connection=connection, leased=True, deaths=0, due_at__gt=timezone.now())
            rows = set(batch.values_list("job", flat=True)) - self.struck
            if len(rows) < BATCH or not kill(process, signal.SIGKILL):
                continue
            self.struck |= rows
            self.kills += 1
            return


def run_kills(world: World, kills: int, seed: int, say: Callable[[str], None]) -> tuple[int, Counts]:
    """How many were killed, and what came of it."""
    warm_up(world)
    killer = Killer(world, world.slots, seed)
    counts = killer.run(kills, say)
    return killer.kills, counts
