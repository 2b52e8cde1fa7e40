"""Read members' mailboxes as mail comes and goes: `manage.py watch_mailboxes`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from activity.mail_watch.watcher import Watcher


class Command(BaseCommand):
    """Runs until it is told to stop. Several of it, on any number of machines, share the mailboxes."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One option."""
        parser.add_argument("--room", type=int, default=400, help="mailboxes that this process watches at most")

    def handle(self, *args: Any, **options: Any) -> None:
        """Watch."""
        Watcher(options["room"]).run()
