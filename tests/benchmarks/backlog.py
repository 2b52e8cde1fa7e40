"""`python -m tests.benchmarks.backlog [--rows 100000] [--workspaces 100]`: one workspace with 90 % of a backlog.

The whole installation runs: the queue's workers under their watchdog, PostgreSQL, Salesforce in another process, all
durations as in production. The large workspace's rows are due when the workers start; the quiet ones report theirs
meanwhile, some each, round after round. Prints how long the quiet ones waited beyond the batching window, how long
everything took, and the calls. Ends with status 1 when the quiet ones' 95th percentile is above 30 s, or something is
not in Salesforce exactly once.
"""

import argparse
import sys
import time

from tests.faults.world import Slot, World, world

SHARE = 0.9
BATCH = 500
PER_ADDRESS = 50
MOST_WAIT_SECONDS = 30.0
ROUND_SECONDS = 5.0
WORKERS = 2
FULL_LENGTH = {"FAULTS_FULL_LENGTH": "1"}


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workspaces", type=int, default=100)
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds after which it is given up")
    options = parser.parse_args()
    with world(options.workspaces, WORKERS, runs=False, **FULL_LENGTH) as here:
        good = Backlog(here, options.rows).run(options.limit)
    raise SystemExit(0 if good else 1)


class Backlog:
    """One run."""

    def __init__(self, here: World, rows: int) -> None:
        self.world = here
        self.large, self.quiet = here.slots[0], here.slots[1:]
        self.in_large = int(rows * SHARE)
        self.in_each_quiet = (rows - self.in_large) // len(self.quiet)
        self.reported = 0

    def run(self, limit: float) -> bool:
        """Fill, drain, compare."""
        self._fill_large()
        calls = self.world.salesforce.ask("calls")
        self.world.start_cluster()
        started = time.monotonic()
        self._report_quiet(limit)
        is_done = self.world.wait_for(self._is_done, limit, sweeps=False)
        seconds = time.monotonic() - started
        return self._say(seconds, self.world.salesforce.ask("calls") - calls, is_done)

    def _fill_large(self) -> None:
        addresses = [f"p{number}@customer0.example" for number in range(max(1, self.in_large // PER_ADDRESS))]
        self.world.salesforce.ask("make_contacts", self.large.number, addresses)
        for begun in range(0, self.in_large, BATCH):
            tags = [f"large-{number}" for number in range(begun, min(begun + BATCH, self.in_large))]
            self.world.report(self.large, tags, addresses[begun // BATCH % len(addresses)])
            self.reported += len(tags)

    def _report_quiet(self, limit: float) -> None:
        """Ten rows each, every few seconds, until each has reported its share."""
        left = self.in_each_quiet
        round_number = 0
        deadline = time.monotonic() + limit
        while left > 0 and time.monotonic() < deadline:
            began, count = time.monotonic(), min(10, left)
            for slot in self.quiet:
                self._report_round(slot, round_number, count)
            left, round_number = left - count, round_number + 1
            time.sleep(max(0.0, ROUND_SECONDS - (time.monotonic() - began)))

    def _report_round(self, slot: Slot, round_number: int, count: int) -> None:
        tags = [f"quiet-{slot.number}-{round_number}-{number}" for number in range(count)]
        self.reported += len(self.world.report(slot, tags))

    def _is_done(self) -> bool:
        from activity.models import DueJob

        time.sleep(0.5)
        return not DueJob.objects.exists()

    def _say(self, seconds: float, calls: int, is_done: bool) -> bool:
        subjects = [
            subject for slot in self.world.slots for subject, _ in self.world.salesforce.ask("subjects", slot.number)
        ]
        waits = self._waits()
        p50, p95, p99 = (waits[int(len(waits) * share)] for share in (0.5, 0.95, 0.99))
        sys.stdout.write(
            f"backlog: {self.reported} rows, {self.in_large} of them in one of {len(self.quiet) + 1} workspaces\n"
            f"in Salesforce: {len(subjects)}, each once: {len(set(subjects)) == len(subjects)}\n"
            f"wait of the quiet beyond the batching window: p50 {p50:.1f} s, p95 {p95:.1f} s, p99 {p99:.1f} s,"
            f" longest {waits[-1]:.1f} s\n"
            f"total: {seconds:.0f} s, {self.reported / seconds:.0f} rows/s with {WORKERS} workers\n"
            f"calls: {calls}, {calls / self.reported * 1000:.1f} for 1,000 rows\n"
        )
        return is_done and len(set(subjects)) == len(subjects) == self.reported and p95 <= MOST_WAIT_SECONDS

    def _waits(self) -> list[float]:
        """Seconds from due to done of each row of the quiet, shortest first."""
        from django.conf import settings

        from activity.models import SyncJob

        rows = SyncJob.objects.exclude(workspace=self.large.workspace).filter(finished_at__isnull=False)
        spans = rows.values_list("created_at", "finished_at")
        return sorted((done - made).total_seconds() - settings.SYNC_BATCH_WINDOW for made, done in spans)


if __name__ == "__main__":
    main()
