"""G2 for an org that proved fast: calls and processor time of a backlog with 1,000 records in a call."""

from tests.benchmarks.report import Line
from tests.benchmarks.sending import Runs, run_product
from tests.benchmarks.world import World

IN_A_CALL = 1000
TARGETS = {True: 2.5, False: 1.2}


def measure(world: World, size: int, runs: int) -> list[Line]:
    """Cold, and with addresses known; the baseline is the fewest calls that hold the records."""
    found = {True: Runs(size), False: Runs(size)}
    for _ in range(runs):
        for cold, each in found.items():
            run_product(world, each, cold=cold, in_a_call=IN_A_CALL)
    return [_line(title, found[cold], TARGETS[cold]) for title, cold in _TITLES]


_TITLES = ((f"G2 calls/1k, {IN_A_CALL:,} in a call, cold", True), ("   addresses known already", False))


def _line(title: str, runs: Runs, most: float) -> Line:
    least = -(-runs.size // IN_A_CALL) * 1000 / runs.size
    count = runs.calls_per_thousand
    return Line(title, f"{least:.1f}", f"{count:.2f} calls, {runs.split}", count, most)
