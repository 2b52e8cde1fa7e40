"""The demo's child processes: started in sessions of their own, their lines shown, none left behind."""

import contextlib
import ctypes
import os
import select
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from config.demo.environment import CHECKOUT, DemoImpossible

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
KEPT_LINES = 12


class StopAsked(Exception):
    """The person at the terminal, or its end, wants the demo to stop."""


class Child:
    """One process with the lines it wrote; a service runs until the demo stops, a job ends by itself."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], *, quiet: bool) -> None:
        self.name = name
        self.quiet = quiet
        self.lines: deque[str] = deque(maxlen=None if quiet else KEPT_LINES)
        self.unread = ""
        self.output, output_of_child = os.pipe()
        os.set_blocking(self.output, False)
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output_of_child,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which stops the others in order
            preexec_fn=die_with_parent,  # safe, as the demo has no threads
        )
        os.close(output_of_child)

    def read_lines(self) -> list[str] | None:
        """The whole lines written since the last call; None when no more will come."""
        try:
            chunk = os.read(self.output, 65536).decode(errors="replace")
        except BlockingIOError:
            return []
        *lines, self.unread = (self.unread + chunk).split("\n")
        if not chunk and self.unread:
            lines, self.unread = [self.unread], ""
        self.lines.extend(lines)
        return lines if chunk or lines else None

    def last_words(self) -> str:
        """Its last lines, indented."""
        return "\n".join(f"    {line}" for line in list(self.lines)[-KEPT_LINES:]) or "    (it wrote nothing)"


class Crew:
    """All children of the demo. The methods that wait show lines meanwhile, and raise StopAsked on a signal.

    stop_limit: seconds that all together have to end when they are asked to.
    """

    def __init__(self, stop_limit: float = 12.0) -> None:
        self.stop_limit = stop_limit
        self.services: list[Child] = []
        self.environment: dict[str, str] = {}
        self.stop_asked = False
        self._selector = selectors.DefaultSelector()
        self._terminal = select.poll()
        self._terminal.register(sys.stdout.fileno(), 0)  # hang-ups are told whatever one asks for
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else it was started under nohup
            signal.signal(signal.SIGHUP, self._on_signal)

    def adopt_orphans(self) -> None:
        """Become the parent of every process below the demo whose own parent ends."""
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_asked = True

    def say(self, text: str) -> None:
        """Show a line, if there is still somebody to see it."""
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), f"{text}\n".encode())

    def is_to_stop(self) -> bool:
        """Whether a signal came, or the terminal (or who reads our output) went away without one."""
        events = [event for _file, event in self._terminal.poll(0)]
        return self.stop_asked or any(event & (select.POLLHUP | select.POLLERR) for event in events)

    # --- starting -------------------------------------------------------------------------------------------

    def start_service(self, name: str, *command: str) -> Child:
        """Start a process that has to live as long as the demo."""
        child = self._start(name, command, quiet=False)
        self.services.append(child)
        return child

    def run_job(self, name: str, *command: str) -> list[str]:
        """Run a process to its end and return its lines. Raises DemoImpossible when it fails."""
        job = self._start(name, command, quiet=True)
        try:
            self.wait_until(lambda: job.process.poll() is not None, job.name, limit=600)
        except BaseException:
            kill_group(job.process.pid)
            raise
        while job.output in self._selector.get_map():
            self._show_lines(0.1)
        if job.process.returncode != 0:
            raise DemoImpossible(f"{name} failed:\n{job.last_words()}")
        return list(job.lines)

    def _start(self, name: str, command: Sequence[str], *, quiet: bool) -> Child:
        child = Child(name, command, self.environment, quiet=quiet)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        return child

    # --- watching -------------------------------------------------------------------------------------------

    def wait_until(self, happened: Callable[[], bool], what: str, limit: float | None = None) -> None:
        """Wait for something. Raises DemoImpossible when a service ends meanwhile, or after `limit` seconds."""
        deadline = time.monotonic() + limit if limit else None
        while not happened():
            self._show_lines(0.1)
            if self.is_to_stop():
                raise StopAsked
            for child in self.services:
                if child.process.poll() is not None:
                    raise DemoImpossible(
                        f"The {child.name} process ended (code {child.process.returncode}), so everything stops. "
                        f"Its last lines:\n{child.last_words()}"
                    )
            if deadline and time.monotonic() > deadline:
                raise DemoImpossible(f"Waited {limit:.0f} seconds in vain for this: {what}.")

    def _show_lines(self, patience: float) -> None:
        """Show what the children write, waiting up to `patience` seconds for the first of it."""
        for key, _events in self._selector.select(patience):
            child: Child = key.data
            lines = child.read_lines()
            if lines is None:
                self._selector.unregister(child.output)
            for line in lines or []:
                if not child.quiet:
                    self.say(f"{child.name:<9}| {line}")

    # --- stopping -------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End every child, the latest first, and every process below them; whatever happens, none is left."""
        deadline = time.monotonic() + self.stop_limit
        for child in reversed(self.services):
            if child.process.poll() is None:
                child.process.terminate()
                self._await_end(child, deadline)
            kill_group(child.process.pid)
        kill_children_left()

    def _await_end(self, child: Child, deadline: float) -> None:
        while child.process.poll() is None and time.monotonic() < deadline:
            if self._selector.get_map():
                self._show_lines(0.05)
            else:
                time.sleep(0.05)


def die_with_parent() -> None:
    """In a child: end when the demo is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def kill_group(process: int) -> None:
    """End what is left of a child's process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def kill_children_left() -> None:
    """End and reap all processes whose parent we are or became."""
    while children := list_children(os.getpid()):
        for process in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for process in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, 0)


def list_children(parent: int) -> list[int]:
    """The ids of a process's children, zombies included."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found
