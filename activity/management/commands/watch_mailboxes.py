"""Read members' mailboxes as mail comes and goes, and look into their calendars: `manage.py watch_mailboxes`."""

import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from activity.calendar_watch.poller import Poller
from activity.mail_watch.watcher import Watcher


class Command(BaseCommand):
    """Runs until it is told to stop. Several of it, on any number of machines, share the mailboxes and calendars."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One option."""
        parser.add_argument("--room", type=int, default=400, help="mailboxes that this process watches at most")

    def handle(self, *args: Any, **options: Any) -> None:
        """Watch; when one of the two ends, so does the other, and whoever started this starts it again."""
        watcher, poller = Watcher(options["room"]), Poller()
        polling = threading.Thread(target=_poll, args=(poller, watcher), name="calendars")
        polling.start()
        try:
            watcher.run()
        finally:
            poller.stop()
            polling.join()


def _poll(poller: Poller, watcher: Watcher) -> None:
    try:
        poller.poll()
    finally:
        watcher.stop()
