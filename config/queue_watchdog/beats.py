"""What the processes of one cluster tell the watchdog over a pipe: that they live, begin and end a task."""

import contextlib
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

BORN, BEGAN, ENDED = "born", "began", "ended"


class Beats:
    """One pipe: the watchdog keeps this object and reads, the forked cluster reports."""

    def __init__(self) -> None:
        self.members: set[int] = set()  # process ids that live, as far as we know
        self.busy: dict[int, float] = {}  # those in a task, and since when (monotonic)
        self.ended: Counter[int] = Counter()  # tasks ended, by process id
        self.begun = 0  # tasks begun by any of them
        self._unread = b""
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def attach(self) -> None:
        """In the cluster's first process: from now on it and every process forked below it reports."""
        from django_q.signals import post_execute_in_worker, pre_execute

        pre_execute.connect(self._on_begin, weak=False)
        post_execute_in_worker.connect(self._on_end, weak=False)
        os.register_at_fork(after_in_child=self._report_birth)
        self._report_birth()

    def _on_begin(self, **_signal: Any) -> None:
        self._report(BEGAN)

    def _on_end(self, **_signal: Any) -> None:
        self._report(ENDED)

    def _report_birth(self) -> None:
        self._report(BORN)

    def _report(self, what: str) -> None:
        with contextlib.suppress(OSError):  # work goes on where nobody listens
            os.write(self._writer, f"{what} {os.getpid()}\n".encode())

    def close_writer(self) -> None:
        """In the watchdog, which only reads."""
        os.close(self._writer)

    def close_reader(self) -> None:
        """In the watchdog, when the cluster is gone."""
        os.close(self._reader)

    def read(self) -> None:
        """Take in what was reported since the last time."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._reader, 65536):
                self._unread += chunk
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            what, process = line.decode().split()
            self._note(what, int(process))

    def _note(self, what: str, process: int) -> None:
        if what == BORN:
            self.members.add(process)
        elif what == BEGAN:
            self.busy[process] = time.monotonic()
            self.begun += 1
        else:
            self.busy.pop(process, None)
            self.ended[process] += 1

    def forget_dead(self) -> set[int]:
        """Drop the processes that live no more, and return their ids."""
        dead = {process for process in self.members if not is_alive(process)}
        self.members -= dead
        for process in dead:
            self.busy.pop(process, None)
        return dead


def is_alive(process: int) -> bool:
    """Whether a process runs; a zombie, which nobody has reaped yet, does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
