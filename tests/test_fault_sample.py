"""A sample of `make faults`: a whole installation, killed, cut off and restarted in the middle of its work."""

import re
import subprocess
import sys

from tests.processes import ROOT


def test_nothing_is_lost_or_written_twice_under_a_sample_of_the_faults() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "sample"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    [counts] = re.findall(
        r"^sample: cells=(\d+) reached=(\d+) accepted=(\d+) synced=(\d+) .* (stuck=\d+)", printed, re.M
    )
    assert counts == ("17", "17", "68", "68", "stuck=0"), printed
    assert int(re.search(r"blind retry: duplicated=(\d+)", printed)[1]) > 0, printed
