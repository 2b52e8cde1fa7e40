"""One run of django-q2's cluster in a process group of its own."""

import contextlib
import ctypes
import os
import signal
import time

from django.db import connections
from django_q.cluster import Cluster
from django_q.conf import Conf

from config.queue_watchdog.beats import Beats
from config.queue_watchdog.loading import load_tasks

PR_SET_PDEATHSIG = 1
SETTLING = 2.0  # seconds after a death in which a task may show that work goes on
FETCHED_BEFORE = 60.0  # seconds that a task may have lain in the cluster before it began


class ClusterRun:
    """A cluster that was forked off, and what is known of it. All times are of the monotonic clock."""

    def __init__(self) -> None:
        self.beats = Beats()
        self.started = self.last_begin = time.monotonic()
        self.suspected: float | None = None  # when a process died whose death may have left a lock behind
        connections.close_all()  # a connection must not be shared with what is forked
        self.process = os.fork() or self._run_cluster()
        self.beats.close_writer()

    def _run_cluster(self) -> int:
        """In the child: run the cluster, which ends on SIGTERM; never returns."""
        code = 1
        try:
            os.setsid()
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # without the watchdog it stops by itself
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)  # the watchdog's handlers came along
            load_tasks()
            self.beats.attach()
            cluster = Cluster()
            cluster.start()
            cluster.sentinel.join()
            code = cluster.sentinel.exitcode or 0
        except RuntimeError:
            pass  # it could not start, and has said why
        finally:
            os._exit(code)

    def observe(self) -> None:
        """Take in what the processes reported and which of them died."""
        now = time.monotonic()
        begun = self.beats.begun
        self.beats.read()
        if self.beats.begun != begun:
            self.last_begin = now
            self.suspected = None  # tasks begin, so nothing hangs
        for process in self.beats.forget_dead():
            if self.beats.ended[process] < Conf.RECYCLE:  # else it was replaced in good order
                self.suspected = self.suspected or now

    def is_stuck_after_death(self, patience: float) -> bool:
        """Whether a process died and no task began since, while none is under way; or for `patience` seconds."""
        if self.suspected is None:
            return False
        waited = time.monotonic() - self.suspected
        return waited > (patience if self.beats.busy else SETTLING)

    def seconds_without_begin(self) -> float:
        """Since when no task has begun although a worker was free; 0 when all are busy."""
        if len(self.beats.busy) >= Conf.WORKERS:
            return 0.0
        return time.monotonic() - self.last_begin

    def lease_age(self) -> float:
        """How many seconds ago the first of the tasks was fetched that this run took and did not end; about."""
        since = [*self.beats.busy.values(), self.suspected or self.last_begin]
        return time.monotonic() - min(since) + FETCHED_BEFORE

    def has_ended(self) -> bool:
        """Whether the cluster's first process has ended; to be asked again only while it has not."""
        return os.waitpid(self.process, os.WNOHANG)[0] != 0

    def ask_to_stop(self) -> None:
        """Let the tasks under way end and begin no others."""
        os.kill(self.process, signal.SIGTERM)

    def kill(self) -> None:
        """End every process of the group at once, and reap the first."""
        self.sweep_up()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.process, 0)

    def sweep_up(self) -> None:
        """End what is left of the group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
