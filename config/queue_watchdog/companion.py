"""A process that runs beside the queue's workers and is started again when it ends."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import structlog

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PR_SET_PDEATHSIG = 1
SERVED_WELL = 60.0
LONGEST_PAUSE = 60.0
STOP_LIMIT = 10.0

log = structlog.get_logger("queue")


class Companion:
    """One child process, looked after by who calls `tend` now and then. It ends with its parent."""

    def __init__(self, name: str, *command: str) -> None:
        self._name, self._command = name, command
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._next_start = 0.0
        self._pause = 1.0

    def tend(self) -> None:
        """Start it, or start it again: later and later while it ends early."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            log.error(f"The process for {self._name} ended and is started again.", code=self._process.returncode)
            self._pause = 1.0 if now - self._started > SERVED_WELL else min(self._pause * 2, LONGEST_PAUSE)
            self._process, self._next_start = None, now + self._pause
        if self._process is None and now >= self._next_start:
            self._started = now
            self._process = subprocess.Popen(
                [sys.executable, *self._command],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                preexec_fn=_end_with_parent,  # safe, as the watchdog has no threads
            )

    def ask_to_stop(self) -> None:
        """Let it end what it is doing."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """End it, by force after STOP_LIMIT seconds."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _end_with_parent() -> None:
    os.setsid()  # a Ctrl-C in the terminal reaches the watchdog alone
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
