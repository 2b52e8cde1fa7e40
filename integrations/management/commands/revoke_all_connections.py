"""`manage.py revoke_all_connections [--dry-run]`: ends every grant of this installation, for an emergency."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import F, QuerySet
from django.utils import timezone

from integrations import revocations, unkept
from integrations.connections import disconnect
from integrations.models import Connection, PendingGrant, PendingRevocation


class Command(BaseCommand):
    """Ends all connections. Stopped in the middle, it goes on where it was when it is run again."""

    help = "Disconnect everybody from Salesforce and revoke every grant. Repeatable; --dry-run only counts."

    def add_arguments(self, parser: CommandParser) -> None:
        """--dry-run changes nothing."""
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be ended.")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """End connections and unconfirmed grants, then try every open revocation; print one line of counts each."""
        connections = Connection.objects.live().select_related("workspace").order_by("pk")
        trips = PendingGrant.objects.filter(ended_at=None).select_related("workspace").order_by("pk")
        if dry_run:
            self._say("would be ended", connections.count(), trips.count())
        else:
            ended = sum(1 for row in connections.iterator(chunk_size=200) if disconnect(row, by=None) is None)
            self._say("ended", ended, sum(unkept.end(trip, "revoked_all") for trip in trips))
            self._try_open()
        self._report()

    def _say(self, what: str, connections: int, trips: int) -> None:
        self.stdout.write(f"{connections} connection(s) and {trips} unfinished sign-in(s) {what}.")

    def _try_open(self) -> None:
        """Try once what the end of each transaction could not confirm, whenever it would be due."""
        self._open().filter(next_try_at__gt=timezone.now()).update(next_try_at=timezone.now())
        while revocations.run_due():
            continue

    def _open(self) -> QuerySet[PendingRevocation]:
        return PendingRevocation.objects.filter(revoked_at=None, given_up_at=None)

    def _report(self) -> None:
        open_rows = self._open().order_by(F("created_at"))
        self.stdout.write(
            f"{open_rows.count()} revocation(s) not confirmed by Salesforce yet; the queue keeps trying."
        )
