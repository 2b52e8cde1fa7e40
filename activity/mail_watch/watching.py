"""One mailbox being watched: a connection and a thread for each of its folders, all ended together."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress

import structlog
from django.utils import timezone

from activity.mail_watch.backfill import Backfiller
from activity.mail_watch.late_texts import fetch_late_texts
from activity.mail_watch.reading import FolderReader, Means
from activity.sources.mailbox.letters import LeaseLost
from integrations import mailboxes
from integrations.mailbox.errors import FolderMissing, MailboxError
from integrations.mailbox.imap import Imap
from integrations.mailbox_log_ins import open_mailbox
from integrations.models import FolderRole, MailboxFolder

IDLE_SECONDS = 9 * 60.0
"""IDLE is renewed after that: a server may end it after 30 minutes (RFC 2177), a router forgets it after ten."""
POLL_SECONDS = 60.0
SENT_FIRST_SECONDS = 60.0
ASIDE = ("backfill-", "texts-")
"""The threads beside those that watch a folder."""

log = structlog.get_logger("mailbox")


class MailboxWatch:
    """Watches one leased mailbox until it is stopped, loses its lease or meets trouble."""

    def __init__(self, means: Means, mailbox_id: int) -> None:
        self._means, self.mailbox_id = means, mailbox_id
        self._stopped = threading.Event()
        self._sent_is_read = threading.Event()
        self._lock = threading.Lock()
        self._connections: list[Imap] = []
        self._threads = [self._thread("mailbox", self._begin)]
        self._threads[0].start()

    @property
    def is_over(self) -> bool:
        """Whether all its threads have ended."""
        with self._lock:
            return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Close the connections at once; the threads end soon after."""
        self._stopped.set()
        self._sent_is_read.set()
        with self._lock:
            for imap in self._connections:
                imap.break_off()

    def _thread(self, name: str, do: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=self._guard, args=(do,), name=f"{name}-{self.mailbox_id}", daemon=True)

    def _guard(self, do: Callable[[], None]) -> None:
        """Run a thread's work; its first trouble ends the others, too."""
        try:
            do()
        except LeaseLost:
            pass
        except MailboxError as error:
            self._note(error)
            self.stop()
        except Exception:
            if not self._stopped.is_set():
                log.exception("A mailbox could not be read.", mailbox=self.mailbox_id)
                self._note(mailboxes.OurFault())
            self.stop()
        finally:
            if not threading.current_thread().name.startswith(ASIDE):
                self.stop()  # these have their end; the folders are watched until something ends it all

    def _note(self, error: MailboxError) -> None:
        if self._stopped.is_set():
            return  # it was ended, and what a closed connection says is no trouble
        self._stopped.set()
        log.info("A mailbox cannot be read.", mailbox=self.mailbox_id, cause=error.cause)
        self._means.writing.ask(mailboxes.note_trouble, self.mailbox_id, self._means.holder, error)

    def _begin(self) -> None:
        """Start a thread for each folder but the first, and watch that one here."""
        folders = self._means.writing.ask(_folders_of, self.mailbox_id)
        if not folders:
            raise FolderMissing("No folder is chosen. Choose which folders Touchline reads.")
        if folders[0][1] != FolderRole.SENT:
            self._sent_is_read.set()
        with self._lock:
            for folder_id, role in folders[1:]:
                thread = self._thread("folder", lambda folder_id=folder_id, role=role: self._watch(folder_id, role))
                self._threads.append(thread)
                thread.start()
        self._watch(*folders[0])

    def begin_backfill(self, backfill_id: int) -> None:
        """Look into older mail, over a connection of its own, unless that is under way."""
        self._begin_aside("backfill", lambda imap: self._fill_back(imap, backfill_id))

    def begin_late_texts(self) -> None:
        """Fetch texts that are wanted after all, over a connection of its own, unless that is under way."""
        self._begin_aside("texts", lambda imap: fetch_late_texts(self._means, imap, self.mailbox_id))

    def _begin_aside(self, name: str, do: Callable[[Imap], None]) -> None:
        with self._lock:
            if self._stopped.is_set() or any(thread.name == f"{name}-{self.mailbox_id}" for thread in self._living()):
                return
            thread = self._thread(name, lambda: self._do_aside(do))
            self._threads.append(thread)
            thread.start()

    def _living(self) -> list[threading.Thread]:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return self._threads

    def _do_aside(self, do: Callable[[Imap], None]) -> None:
        imap = self._connect()
        try:
            do(imap)
        finally:
            with self._lock:
                self._connections.remove(imap)
            imap.close()

    def _fill_back(self, imap: Imap, backfill_id: int) -> None:
        # LeaseLost: it was stopped, or another process goes on with it.
        with suppress(LeaseLost):
            Backfiller(self._means, imap, self.mailbox_id, backfill_id).run()

    def _watch(self, folder_id: int, role: str) -> None:
        """Read a folder and wait for more, through one connection after the other where log-ins run out."""
        while not self._stopped.is_set():
            imap = self._connect()
            try:
                reader = FolderReader(self._means, imap, self.mailbox_id, folder_id)
                if role == FolderRole.RECEIVED:  # an answer is known as one only after what it answers
                    self._sent_is_read.wait(SENT_FIRST_SECONDS)
                while not self._stopped.is_set() and _seconds_good(imap) > 0:
                    reader.read_to_end()
                    if role == FolderRole.SENT:
                        self._sent_is_read.set()
                    self._wait(imap)
            finally:
                with self._lock:
                    self._connections.remove(imap)
                imap.close()

    def _connect(self) -> Imap:
        imap = open_mailbox(self.mailbox_id, self._means.writing.ask)
        with self._lock:
            self._connections.append(imap)
        if self._stopped.is_set():
            imap.break_off()
        return imap

    def _wait(self, imap: Imap) -> None:
        if self._stopped.is_set() or imap.has_news():
            return
        good = _seconds_good(imap)
        if imap.can_idle:
            imap.wait_for_news(min(good, IDLE_SECONDS * random.uniform(0.8, 1.0)))  # noqa: S311 - jitter
        elif not self._stopped.wait(min(good, POLL_SECONDS * random.uniform(0.8, 1.2))):  # noqa: S311 - jitter
            imap.keep_alive()


def _seconds_good(imap: Imap) -> float:
    """How long the log-in of a connection lasts; a server may end the connection then, and not say a word."""
    if imap.good_until is None:
        return IDLE_SECONDS
    return max(0.0, (imap.good_until - timezone.now()).total_seconds())


def _folders_of(mailbox_id: int) -> list[tuple[int, str]]:
    """Id and role of the folders, sent mail first."""
    rows = MailboxFolder.objects.filter(mailbox=mailbox_id).order_by("-role", "pk")
    return list(rows.values_list("pk", "role"))
