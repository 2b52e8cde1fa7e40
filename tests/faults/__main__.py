"""`python -m tests.faults`: everything, or the parts that are named. Exit code 1 where one was breached."""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable

from tests.faults import cells as matrix

SPARE_WORKERS = 8  # beside those that are held or frozen
KILL_SLOTS, KILL_WORKERS = 8, 4
CONTROL_SLOTS, CONTROL_WORKERS = 6, 4


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run_matrix(options: argparse.Namespace) -> bool:
    """Points × faults, each cell in another slot at each run."""
    from tests.faults.counts import Counts, count
    from tests.faults.waves import mend_all, run_all
    from tests.faults.world import world

    waves = {name: cells for name, cells in matrix.WAVES.items() if not options.wave or options.wave in name}
    most = max(len(cells) for cells in waves.values())
    say(f"fault matrix: {sum(map(len, waves.values()))} cells × {options.runs} runs")
    with world(most, most + SPARE_WORKERS) as installation:
        results = run_all(installation, options.runs, waves, say)
        total = Counts()
        for result in results:
            total.add(result.counts)
        reached = sum(result.reached for result in results)
        cells = sum(map(len, waves.values())) * options.runs
        say(f"fault matrix: cells={cells} reached={reached} {total}")
        after = count(installation, mend_all(installation, results))
        say(f"  when all had connected again: {after}")
    return total.is_good and after.is_good and not after.waiting and reached == cells


def run_kills(options: argparse.Namespace) -> bool:
    """Random kill -9 in the middle of 200-row batches."""
    from tests.faults.kills import run_kills
    from tests.faults.world import world

    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    say(f"random kill -9: {options.kills}, seed {seed}")
    with world(KILL_SLOTS, KILL_WORKERS) as installation:
        kills, counts = run_kills(installation, options.kills, seed, say)
    say(f"random kill -9: kills={kills} {counts}")
    for line in counts.bad[:10]:
        say(f"    {line}")
    return counts.is_good and kills >= options.kills


def run_controls(options: argparse.Namespace) -> bool:
    """Senders that must fail here."""
    from tests.faults.controls import run_controls
    from tests.faults.world import world

    say("negative controls")
    with world(CONTROL_SLOTS, CONTROL_WORKERS) as installation:
        doubles = run_controls(installation, say)
    product = doubles.pop("the product")
    for name, number in doubles.items():
        say(f"negative control: {name}: duplicated={number}{'' if number else ' - the harness is blind'}")
    return product == 0 and all(doubles.values())


def run_tokens(options: argparse.Namespace) -> bool:
    """Guessing at tracking links."""
    from tests.faults.random_tokens import probe_database

    hits = probe_database(options.tokens)
    say(f"random tracking tokens: tried={options.tokens:,} for each of 3 purposes, hits={hits}")
    return hits == 0


def run_sample(options: argparse.Namespace) -> bool:
    """What the suite can wait for: some cells, and one sender that must fail."""
    from tests.faults.controls import run_blind_retry
    from tests.faults.counts import Counts
    from tests.faults.waves import run_all
    from tests.faults.world import world

    total, most = Counts(), max(map(len, matrix.SAMPLE.values()))
    with world(most, most + 3) as installation:
        results = run_all(installation, 1, matrix.SAMPLE, say)
        for result in results:
            total.add(result.counts)
        doubles = run_blind_retry(installation, installation.slots[0], say)
    reached, cells = sum(result.reached for result in results), sum(map(len, matrix.SAMPLE.values()))
    say(f"sample: cells={cells} reached={reached} {total}")
    say(f"negative control: blind retry: duplicated={doubles}")
    return total.is_good and reached == cells and doubles > 0


def run_machine(options: argparse.Namespace) -> bool:
    """The state machine of a job at full length: the test of the suite with more examples."""
    test = "tests/activity/pipeline/test_machine.py"
    size = {"MACHINE_EXAMPLES": str(options.examples), "MACHINE_STEPS": "50", "TEST_DB_SUFFIX": "_machine"}
    started = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, env=os.environ | size, check=False)
    broken = "no broken invariant" if done.returncode == 0 else "BROKEN"
    minutes = (time.monotonic() - started) / 60
    say(f"state machine: {options.examples} examples × 50 steps, {broken}, {minutes:.0f} min")
    return done.returncode == 0


def run_connections(options: argparse.Namespace) -> bool:
    """Grants and keys: refreshes under load and killed, keys rotated meanwhile, four people after one user."""
    names = ("refresh_under_load", "refresh_kills", "rotation_under_load")
    commands = {name: ["-m", f"tests.faults.connections.{name}"] for name in names}
    commands["race"] = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/integrations/test_race.py"]
    environment = os.environ | {"RACE_ROUNDS": "50", "TEST_DB_SUFFIX": "_race"}
    codes = {
        name: subprocess.run([sys.executable, *command], env=environment, check=False).returncode
        for name, command in commands.items()
    }
    say("connections: " + ", ".join(f"{name} {'BREACHED' if code else 'good'}" for name, code in codes.items()))
    return not any(codes.values())


def run_mailboxes(options: argparse.Namespace) -> bool:
    """The watcher of mailboxes killed again and again while mail arrives."""
    return subprocess.run([sys.executable, "-m", "tests.faults.mailboxes"], check=False).returncode == 0


PARTS: dict[str, Callable[[argparse.Namespace], bool]] = {
    "matrix": run_matrix,
    "kills": run_kills,
    "controls": run_controls,
    "tokens": run_tokens,
    "machine": run_machine,
    "connections": run_connections,
    "mailboxes": run_mailboxes,
}
BESIDE = {"machine"}
"""Takes one processor for long and minds no delay."""
OTHER_PARTS = {"sample": run_sample}
"""What runs only when it is named."""


def main() -> int:
    """Each part in a process of its own, for each sets up Django for its own installation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS, *OTHER_PARTS], help="all where none is named")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--wave", default="", help="only the waves whose name holds this")
    options = parser.parse_args()
    if len(options.parts) == 1:
        return 0 if (PARTS | OTHER_PARTS)[options.parts[0]](options) else 1
    return run_parts(options.parts or list(PARTS))


def run_parts(parts: list[str]) -> int:
    """One after the other, the state machine beside them; goes on after a breach, so that all of them are known."""
    started = time.monotonic()
    commands = {part: [sys.executable, "-m", "tests.faults", part, *_options_given(parts)] for part in parts}
    beside = {part: subprocess.Popen(commands[part]) for part in parts if part in BESIDE}
    codes = {part: subprocess.run(commands[part], check=False).returncode for part in parts if part not in BESIDE}
    codes |= {part: process.wait() for part, process in beside.items()}
    failed = [part for part, code in codes.items() if code]
    end = f"breached: {', '.join(failed)}" if failed else "none breached"
    say(f"faults: {len(parts)} parts in {(time.monotonic() - started) / 60:.0f} min, {end}")
    return 1 if failed else 0


def _options_given(parts: list[str]) -> list[str]:
    return [each for each in sys.argv[1:] if each not in parts]


if __name__ == "__main__":
    sys.exit(main())
