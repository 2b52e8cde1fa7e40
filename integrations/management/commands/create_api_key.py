"""`manage.py create_api_key SLUG --name N`: prints the new key once, on its last line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import api_keys
from workspaces.models import Workspace


class Command(BaseCommand):
    """Makes a key of a workspace for the API."""

    help = "Make an API key for a workspace; the last line of the output is the key, shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """SLUG of the workspace, and a name by which people know the key."""
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)

    def handle(self, *args: Any, slug: str, name: str, **options: Any) -> None:
        """Create the key. Raises CommandError when there is no such workspace."""
        workspace = Workspace.objects.filter(slug=slug).first()
        if workspace is None:
            raise CommandError(f'There is no workspace "{slug}".')
        if not name.strip():
            raise CommandError("The key needs a name.")
        key, text = api_keys.create(workspace, name, by=None)
        self.stdout.write(f'Key "{key.name}" of {workspace.name}. Keep it safe: it is not shown again.')
        self.stdout.write(text)
