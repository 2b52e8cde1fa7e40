"""Polls as many calendars as it gets leases for, a few at a time, until it is told to stop."""

import secrets
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from django.conf import settings
from django.db import DatabaseError

from activity.calendar_watch.polling import CalendarPoll, Means
from activity.mail_watch.desk import Desk
from activity.sources.calendars import LeaseLost
from integrations import calendar_leases, calendars
from integrations.calendar.caldav import CalDav
from integrations.calendar.errors import CalendarError, Unreachable
from integrations.mailbox.parser import MailParser

TICK = 1.0
AT_A_TIME = 24
POLL_SECONDS = 300.0
"""For one look into one account, however many requests that takes."""
TOO_SLOW = "The calendar server is so slow that Touchline gave up for now."

log = structlog.get_logger("calendar")


class _Running:
    """One poll under way; it ends when it is stopped, or takes too long."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._dav: CalDav | None = None
        self.is_stopped = False
        self.is_late = False
        self.future: Future[None] | None = None

    def use(self, dav: CalDav) -> None:
        """What is to be broken off."""
        self._dav = dav
        if self.is_stopped:
            dav.break_off()

    def stop(self) -> None:
        """End it at once; what it says then is no trouble."""
        self.is_stopped = True
        if self._dav:
            self._dav.break_off()

    def end_if_late(self) -> None:
        """Give a server up that takes too long."""
        if self._dav and time.monotonic() > self._until:
            self.is_late = True
            self._dav.break_off()


class Poller:
    """The threads. `seconds` is how long one look into one account may take."""

    def __init__(self, at_a_time: int = AT_A_TIME, seconds: float = POLL_SECONDS) -> None:
        self._at_a_time, self._seconds = at_a_time, seconds
        self._stop = threading.Event()
        self._running: dict[int, _Running] = {}
        self._may_hold_until = 0.0  # monotonic: later there is no lease to keep
        self._leases = Desk(1, "calendar-leases")
        self._pool = ThreadPoolExecutor(at_a_time, thread_name_prefix="calendar")
        self._means = Means(
            holder=f"{socket.gethostname()[:40]}-{secrets.token_hex(8)}",
            parser=MailParser(processes=1),
            writing=Desk(2, "calendar-writing"),
        )

    def stop(self) -> None:
        """Let `poll` return."""
        self._stop.set()

    def poll(self) -> None:
        """Poll until `stop`; returns with all connections closed and all leases given back."""
        log.info("Calendars are polled.")
        while not self._stop.is_set():
            self._tick()
            self._stop.wait(min(TICK, settings.MAILBOX_LEASE / 6))
        self._end()
        log.info("Calendars are polled no more.")

    def _tick(self) -> None:
        """End what is over, late or not ours any more, take what is due. A database that is away is waited for."""
        self._running = {key: each for key, each in self._running.items() if each.future and not each.future.done()}
        try:
            kept = self._leases.ask(calendar_leases.keep, self._means.holder) if self._may_hold() else set()
            for calendar_id, running in self._running.items():
                if calendar_id not in kept:
                    running.stop()
                running.end_if_late()
            taken = self._take()
            if kept or taken:
                self._may_hold_until = time.monotonic() + settings.MAILBOX_LEASE
            for calendar_id in [*(kept - self._running.keys()), *taken]:
                self._begin(calendar_id)
        except DatabaseError:
            log.warning("The calendars wait for the database.")

    def _may_hold(self) -> bool:
        """Whether a lease of ours may still run: what was let go a moment ago may be ours to go on with."""
        return bool(self._running) or time.monotonic() < self._may_hold_until

    def _take(self) -> list[int]:
        room = self._at_a_time - len(self._running)
        if room <= 0:
            return []
        return self._leases.ask(calendar_leases.take, self._means.holder, room, list(self._running))

    def _begin(self, calendar_id: int) -> None:
        running = self._running[calendar_id] = _Running(self._seconds)
        running.future = self._pool.submit(self._run, calendar_id, running)

    def _run(self, calendar_id: int, running: _Running) -> None:
        """Poll once; whatever goes wrong is noted, and costs nobody else anything."""
        try:
            self._poll(calendar_id, running)
        except LeaseLost:
            pass
        except CalendarError as error:
            self._note(calendar_id, running, Unreachable(TOO_SLOW) if running.is_late else error)
        except Exception:
            log.exception("A calendar could not be read.", calendar=calendar_id)
            self._note(calendar_id, running, calendars.OurFault())

    def _poll(self, calendar_id: int, running: _Running) -> None:
        dav = self._means.writing.ask(calendars.open_dav, calendar_id)
        try:
            running.use(dav)
            CalendarPoll(self._means, calendar_id, dav).run()
        finally:
            dav.close()

    def _note(self, calendar_id: int, running: _Running, error: CalendarError) -> None:
        if running.is_stopped:
            return  # it was ended, and what a closed connection says is no trouble
        log.info("A calendar cannot be read.", calendar=calendar_id, cause=error.cause)
        try:
            self._means.writing.ask(calendars.note_trouble, calendar_id, self._means.holder, error)
        except DatabaseError:
            log.warning("The calendars wait for the database.")

    def _end(self) -> None:
        for running in self._running.values():
            running.stop()
        self._pool.shutdown(wait=True)
        try:
            self._leases.ask(calendar_leases.release, self._means.holder)
        except DatabaseError:
            log.warning("The leases of the calendars could not be given back; they run out by themselves.")
        for desk in (self._means.writing, self._leases):
            desk.close()
        self._means.parser.close()
