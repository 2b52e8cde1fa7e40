"""Runs the Salesforce stand-in of the demo."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from integrations.salesforce.stand_in.playing import play


class Command(BaseCommand):
    """`manage.py salesforce_stand_in`: uses no database, keeps its state in a folder."""

    help = "Play Salesforce on this machine: log-in and pages over HTTP, the API over TLS. Ctrl-C stops it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The ports and the folder."""
        folder = Path(settings.BASE_DIR) / ".data" / "stand-in"
        parser.add_argument("--https-port", type=int, default=8443, help="API of the first org; two more follow")
        parser.add_argument("--http-port", type=int, default=8001, help="log-in and pages; the sandbox's is the next")
        parser.add_argument("--data-dir", type=Path, default=folder, help="where certificates and records are kept")

    def handle(self, *, https_port: int, http_port: int, data_dir: Path, **options: Any) -> None:
        """Run until Ctrl-C or SIGTERM; raises CommandError where a port is taken."""
        try:
            play(
                data_dir,
                write=self.print_line,
                https_port=https_port,
                http_port=http_port,
                client_id=settings.SALESFORCE_CLIENT_ID,
                client_secret=settings.SALESFORCE_CLIENT_SECRET,
                apps=[settings.BASE_URL],
            )
        except OSError as error:
            raise CommandError(f"The stand-in cannot start: {error.strerror or error}.") from None

    def print_line(self, line: str) -> None:
        """Print a line at once."""
        self.stdout.write(line)
        self.stdout.flush()
