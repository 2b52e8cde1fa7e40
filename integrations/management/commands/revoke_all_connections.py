"""`manage.py revoke_all_connections [--dry-run]`: ends every grant of this installation, for an emergency."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import emergency
from integrations.emergency import Report

SHOWN_FAILURES = 10


class Command(BaseCommand):
    """Ends all connections and sign-ins. Stopped in the middle, it goes on where it was when it is run again."""

    help = (
        "Disconnect everybody from Salesforce and from mailboxes that they signed in to, and revoke every grant. "
        "Repeatable; --dry-run only counts."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """--dry-run changes nothing."""
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be ended.")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        """Print what was ended and what is left to do. Raises CommandError when a row could not be ended."""
        report = emergency.count() if dry_run else emergency.end_all()
        for line in tell(report, "would be ended" if dry_run else "ended"):
            self.stdout.write(line)
        if report.failures:
            shown = "\n".join(report.failures[:SHOWN_FAILURES])
            raise CommandError(f"{plural(len(report.failures), 'grant')} could not be ended:\n{shown}")


def tell(report: Report, done: str) -> Iterator[str]:
    """The lines of the report; about passwords and Microsoft only where there are such mailboxes."""
    yield (
        f"Salesforce: {plural(report.connections, 'connection')} and {plural(report.trips, 'unfinished sign-in')} "
        f"{done}. {plural(report.unconfirmed, 'revocation')} not confirmed yet; the queue keeps trying."
    )
    yield (
        f"Mailboxes: {plural(report.mailboxes, 'sign-in')} and {plural(report.mailbox_trips, 'unfinished sign-in')} "
        f"{done}. {plural(report.unconfirmed_mailboxes, 'revocation')} not confirmed yet; the queue keeps trying."
    )
    if report.not_revocable:
        yield (
            f"Not revoked: {plural(report.not_revocable, 'sign-in')} at a provider that cannot be told (Microsoft). "
            "Touchline forgets the tokens; whoever has a copy can use it until an administrator revokes the users' "
            "sessions or takes the app's consent away."
        )
    if report.mailboxes_with_password or report.calendars_with_password:
        yield (
            f"Not ended: {plural(report.mailboxes_with_password, 'mailbox', 'mailboxes')} and "
            f"{plural(report.calendars_with_password, 'calendar')} opened with a password. If these passwords may "
            "have leaked, their owners must change them at the provider."
        )


def plural(count: int, one: str, many: str = "") -> str:
    """The number with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"
