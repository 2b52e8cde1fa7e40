"""Erase a person outside who asks for it: `manage.py erase_address SLUG ADDRESS`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from activity.erasure import erase_address
from workspaces.models import Workspace


class Command(BaseCommand):
    """Erases in one workspace; what stands in Salesforce stays there."""

    help = "Erase who an address belongs to and what they wrote from a workspace. What is in Salesforce stays there."

    def add_arguments(self, parser: CommandParser) -> None:
        """SLUG of the workspace, and the address."""
        parser.add_argument("slug")
        parser.add_argument("address")

    def handle(self, *args: Any, slug: str, address: str, **options: Any) -> None:
        """Say how many rows of the log named the address. Raises CommandError when there is no such workspace."""
        workspace = Workspace.objects.filter(slug=slug).first()
        if workspace is None:
            raise CommandError(f'There is no workspace "{slug}".')
        erased = erase_address(workspace, address.strip())
        self.stdout.write(f"Erased; {_count(erased.rows)} of the log named the address.")
        if erased.under_way:
            self.stdout.write(
                f"{_count(erased.under_way)} more cannot be erased yet: Salesforce has not said what became of them."
                " Do it again in an hour."
            )


def _count(rows: int) -> str:
    return f"{rows} row{'' if rows == 1 else 's'}"
