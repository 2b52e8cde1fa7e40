"""Kill -9 of the process that watches mailboxes, again and again, while mail arrives.

`python -m tests.faults.mailboxes [--kills 100] [--messages 2000]` prints what was lost and what came twice; the
suite runs a short version.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.mailbox_fixtures import Dovecot, letter
from tests.processes import ROOT

ANSWER = {"From": "Nora West <nora.west@northwindtraders.example>", "To": "ben@acme.example"}
LAST_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Harm:
    """What went wrong: Message-IDs that are missing and those that are there more than once; and what was done."""

    lost: list[str]
    doubled: list[str]
    kills: int
    messages: int


def batter(
    dovecot: Dovecot,
    user: str,
    environment: dict[str, str],
    captured: Callable[[], Iterable[str]],
    *,
    kills: int,
    messages: int,
    seed: int = 1,
) -> Harm:
    """Deliver `messages` mails to the folders of a connected mailbox while its watcher is killed `kills` times.

    captured: the Message-IDs of all activities, as often as they are there.
    """
    chance = random.Random(seed)
    for number in range(kills):
        watcher, before = _start(environment), len(list(captured()))
        share = range(messages * number // kills, messages * (number + 1) // kills)
        post = threading.Thread(target=_deliver, args=(dovecot, user, share))
        post.start()
        _wait(lambda before=before: len(list(captured())) > before, 30.0)
        time.sleep(chance.random() * 0.6)
        os.killpg(watcher.pid, signal.SIGKILL)
        watcher.wait()
        post.join()
    watcher = _start(environment)
    expected = {f"m{number}@acme.example" for number in range(messages)}
    _wait(lambda: expected <= set(captured()), LAST_LIMIT)
    time.sleep(1.0)
    watcher.terminate()
    watcher.wait(30)
    counts = Counter(captured())
    return Harm(
        sorted(expected - counts.keys()), sorted(each for each in counts if counts[each] > 1), kills, messages
    )


def _deliver(dovecot: Dovecot, user: str, numbers: range) -> None:
    """Some before the watcher is there, some while it works."""
    program = dovecot.client(user)
    for number in numbers:
        is_sent = number % 2 == 0
        folder, mail = (dovecot.SENT, letter(number)) if is_sent else ("INBOX", letter(number, **ANSWER))
        assert program.append(f'"{folder}"', "", "", mail)[0] == "OK"
        time.sleep(3.0 / len(numbers))
    program.logout()


def _start(environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "watch_mailboxes"], cwd=ROOT, env=environment, start_new_session=True
    )


def _wait(happened: Callable[[], bool], limit: float) -> None:
    deadline = time.monotonic() + limit
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)


def main() -> int:
    """The long version: run by pytest, which makes the world, with the numbers in the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--messages", type=int, default=2000)
    arguments = parser.parse_args()
    numbers = {"MAILBOX_KILLS": str(arguments.kills), "MAILBOX_MESSAGES": str(arguments.messages)}
    command = [sys.executable, "-m", "pytest", "-q", "tests/activity/mail_watch/test_kills.py"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | numbers, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
