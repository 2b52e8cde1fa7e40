"""Watches as many mailboxes as it gets leases for, until it is told to stop."""

import secrets
import signal
import socket
import threading
import time

import structlog
from django.conf import settings
from django.db import DatabaseError

from activity.mail_watch.backfill import backfills_of
from activity.mail_watch.desk import Desk
from activity.mail_watch.reading import Means
from activity.mail_watch.watching import MailboxWatch
from activity.sources.mailbox.texts import mailboxes_with_wanted
from integrations import mailbox_leases
from integrations.mailbox.parser import MailParser

TICK = 1.0
"""Seconds between two looks; a lease must outlive several of them."""
NEW_IN_A_TICK = 20
STACK_BYTES = 512 * 1024

log = structlog.get_logger("mailbox")


class Watcher:
    """The process. `room`: how many mailboxes it watches at most."""

    def __init__(self, room: int) -> None:
        threading.stack_size(STACK_BYTES)
        self._room = room
        self._stop = threading.Event()
        self._watches: dict[int, MailboxWatch] = {}
        self._ending: list[MailboxWatch] = []
        self._may_hold_until = 0.0  # monotonic: later there is no lease to keep, and no back-fill to look for
        self._leases = Desk(1, "leases")
        self._means = Means(
            holder=f"{socket.gethostname()[:40]}-{secrets.token_hex(8)}",
            parser=MailParser(),
            writing=Desk(4, "writing"),
            asking=Desk(2, "asking"),
        )

    def run(self) -> None:
        """Watch until SIGTERM, SIGINT or SIGHUP."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop())
        self.watch()

    def stop(self) -> None:
        """Let `watch` return."""
        self._stop.set()

    def watch(self) -> None:
        """Watch until `stop`; returns with all connections closed and all leases given back."""
        log.info("Mailboxes are watched.", room=self._room)
        while not self._stop.is_set():
            self._tick()
            self._stop.wait(min(TICK, settings.MAILBOX_LEASE / 6))
        self._end()
        log.info("Mailboxes are watched no more.")

    def _tick(self) -> None:
        """Drop what is over or not ours any more, take what is free. A database that is away is waited for."""
        try:
            kept = self._leases.ask(mailbox_leases.keep, self._means.holder) if self._may_hold() else set()
            for mailbox_id in [each for each, watch in self._watches.items() if each not in kept or watch.is_over]:
                watch = self._watches.pop(mailbox_id)
                watch.stop()
                self._ending.append(watch)
            self._ending = [watch for watch in self._ending if not watch.is_over]
            room = min(NEW_IN_A_TICK, self._room - len(self._watches) - len(self._ending))
            taken = self._leases.ask(mailbox_leases.take, self._means.holder, room) if room > 0 else []
            for mailbox_id in {*taken, *(kept - self._watches.keys())}:
                self._watches[mailbox_id] = MailboxWatch(self._means, mailbox_id)
            if kept or taken:
                self._may_hold_until = time.monotonic() + settings.MAILBOX_LEASE
            if not self._may_hold():
                return
            for mailbox_id, backfill_id in self._leases.ask(backfills_of, self._means.holder):
                if mailbox_id in self._watches:
                    self._watches[mailbox_id].begin_backfill(backfill_id)
            for mailbox_id in self._leases.ask(mailboxes_with_wanted, self._means.holder):
                if mailbox_id in self._watches:
                    self._watches[mailbox_id].begin_late_texts()
        except DatabaseError:
            log.warning("The mailboxes wait for the database.")

    def _may_hold(self) -> bool:
        """Whether a lease of ours may still run: what was let go a moment ago may be ours to go on with."""
        return bool(self._watches) or time.monotonic() < self._may_hold_until

    def _end(self) -> None:
        for watch in self._watches.values():
            watch.stop()
        try:
            self._leases.ask(mailbox_leases.release, self._means.holder)
        except DatabaseError:
            log.warning("The leases of the mailboxes could not be given back; they run out by themselves.")
        for desk in (self._means.asking, self._means.writing, self._leases):
            desk.close()
        self._means.parser.close()
