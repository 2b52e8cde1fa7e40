"""`python -m tests.benchmarks [--quick] [G1 G2 …]`: what the product costs beside its baselines.

Each target is measured with its baseline in the same run, interleaved, the median of three. Prints a table and
ends with status 1 when a target is missed. Processor time counts, wall time only where the target names it.
"""

import argparse
import os
import sys

from tests.benchmarks.meter import Foreign, cpu_ms_of
from tests.benchmarks.report import Line, render
from tests.benchmarks.world import World, open_world

TARGETS = ("G1", "G2", "G3", "G4", "G5", "G6", "G7", "G10", "G14")


def measure(world: World, targets: set[str], size: int, runs: int, *, quick: bool) -> list[Line]:
    """All lines of the targets."""
    from tests.benchmarks import composite, counts, ingest, lanes, queue, sending, trickle

    lines: list[Line] = []
    if targets & {"G1", "G2", "G14"}:
        lines += sending.measure(world, size, targets, runs)
    if "G2" in targets:
        lines += composite.measure(world, size, runs)
    if "G3" in targets:
        lines += trickle.measure(world, 10 if quick else 40)
    if "G4" in targets:
        lines += lanes.measure(world, 1_000 if quick else 4_000, runs)
    if targets & {"G5", "G6"}:
        lines += queue.measure(world, samples=20 if quick else 60, idle_seconds=10 if quick else 60)
    if "G7" in targets:
        lines += ingest.measure(world, 2_000 if quick else 10_000, runs)
    if "G10" in targets:
        lines += counts.measure(world, 100_000 if quick else 1_000_000)
    return lines


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller backlogs: under three minutes")
    parser.add_argument("--size", type=int, help="activities in a backlog")
    parser.add_argument("--runs", type=int, default=3, choices=(1, 3, 5), help="the middle one counts")
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS])
    options = parser.parse_args()
    size = options.size or (2_000 if options.quick else 10_000)
    with open_world() as world:
        foreign = Foreign(lambda: cpu_ms_of(os.getpid(), world.postmaster))
        lines = measure(world, set(options.targets or TARGETS), size, options.runs, quick=options.quick)
        percent = foreign.percent()
    sys.stdout.write(f"{render(lines)}\n\nOther processes used {percent:.0f} % of the machine meanwhile.\n")
    missed = [line.target for line in lines if not line.met]
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
