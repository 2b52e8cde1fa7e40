"""Keeps one cluster running until it is told to stop."""

import signal
import time
from collections.abc import Sequence
from types import FrameType

import structlog

from config.queue_watchdog.cluster import ClusterRun
from config.queue_watchdog.companion import Companion
from config.queue_watchdog.tasks_due import has_overdue_tasks, is_database_there, release_leases

TICK = 0.25
QUEUE_CHECK = 5.0
DATABASE_CHECK = 1.0
LONGEST_PAUSE = 15.0
IDLE_STOP_LIMIT = 10.0  # a cluster without a task under way has stopped by then, or hangs

log = structlog.get_logger("queue")


class Watchdog:
    """Starts, observes, replaces and stops the cluster of this process. Durations are in seconds.

    stall_limit: how long a due task may lie while a worker is free. stop_grace: how long the tasks under way
    may take to end after SIGTERM, SIGINT or SIGHUP; a second such signal ends them at once. companions: processes
    that run beside the cluster.
    """

    def __init__(self, stall_limit: float, stop_grace: float, companions: Sequence[Companion] = ()) -> None:
        self.stall_limit = stall_limit
        self.companions = companions
        self.stop_grace = stop_grace
        self.stops_asked = 0
        self.pause = 1.0
        self._checked = 0.0

    def run(self) -> None:
        """Return when the cluster has stopped after a signal."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        while not self.stops_asked:
            self._wait_for_database()
            if not self.stops_asked:
                self._tend(ClusterRun())
        for companion in self.companions:
            companion.stop()
        log.info("The queue's workers have stopped.")

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stops_asked += 1

    def _wait_for_database(self) -> None:
        is_said = False
        while not self.stops_asked and not is_database_there():
            if not is_said:
                log.warning("The queue's workers wait for the database.")
            is_said = True
            self._wait(DATABASE_CHECK)

    def _tend(self, run: ClusterRun) -> None:
        """Look after one run of the cluster until it is gone."""
        log.info("The queue's workers are starting.")
        fault = None
        while not self.stops_asked and not fault:
            time.sleep(TICK)
            run.observe()
            self._tend_companions()
            fault = "They ended." if run.has_ended() else self._find_fault(run)
        if fault:
            run.kill()
            release_leases(run.lease_age())
            log.error(f"The queue's workers are started again. {fault}")
            self._wait(self._next_pause(run))
        else:
            self._stop(run)
        run.beats.close_reader()

    def _tend_companions(self) -> None:
        for companion in self.companions:
            companion.tend()

    def _find_fault(self, run: ClusterRun) -> str | None:
        """What is wrong with a cluster that runs, as a sentence."""
        if run.is_stuck_after_death(self.stop_grace):
            return "One of their processes died, and no task has begun since."
        since_check = time.monotonic() - self._checked
        if since_check < min(QUEUE_CHECK, self.stall_limit) or run.seconds_without_begin() < self.stall_limit:
            return None
        self._checked = time.monotonic()
        return "Due tasks were left lying." if has_overdue_tasks(self.stall_limit) else None

    def _next_pause(self, run: ClusterRun) -> float:
        """Seconds before the next start: none after a minute of service, more from one early end to the next."""
        if time.monotonic() - run.started > 60:
            self.pause = 1.0
            return 0.0
        pause, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE)
        return pause

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stops_asked and time.monotonic() < until:
            time.sleep(TICK)

    def _stop(self, run: ClusterRun) -> None:
        """Let the tasks under way end, then end whatever still runs."""
        run.ask_to_stop()
        for companion in self.companions:
            companion.ask_to_stop()
        asked = idle_since = time.monotonic()
        while not run.has_ended():
            now = time.monotonic()
            run.observe()
            if run.beats.busy:
                idle_since = now
            if now - asked > self.stop_grace or now - idle_since > IDLE_STOP_LIMIT or self.stops_asked > 1:
                log.warning("The queue's workers did not stop in time and are ended.")
                run.kill()
                release_leases(run.lease_age())
                return
            time.sleep(TICK)
        run.sweep_up()
