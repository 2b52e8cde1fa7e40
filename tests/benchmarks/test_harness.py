"""The harness runs and prints: 50 activities, no figure is judged."""

import subprocess
import sys

from tests.benchmarks.report import Line, render
from tests.benchmarks.world import ROOT


def test_a_small_run_prints_its_table() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--size", "50", "--runs", "1", "G2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    rows = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines()]
    assert rows[0] == ["target", "baseline", "measured", "ratio", "met"], done.stderr
    assert rows[3] == ["addresses known already", "20.0 (bare 60.0)", "20.00 calls", "20", "NO (<= 6)"]
    assert rows[-1][0].startswith("Other processes used ")
    assert done.returncode == 1


def test_the_table_says_what_is_met() -> None:
    lines = [
        Line("G0 speed", "1 ms", "3 ms", 3, 2),
        Line("   for comparison", "2 ms", "3 ms", 1.5),
        Line("G4 rate", "10/s", "9/s", 0.9, 0.9, at_least=True),
    ]

    assert render(lines).splitlines()[2:] == [
        "G0 speed          | 1 ms     | 3 ms     | 3     | NO (<= 2)",
        "   for comparison | 2 ms     | 3 ms     | 1.5   | -",
        "G4 rate           | 10/s     | 9/s      | 0.9   | yes (>= 0.9)",
    ]
    assert [line.met for line in lines] == [False, True, True]
