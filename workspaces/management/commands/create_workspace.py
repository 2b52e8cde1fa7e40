"""Create a workspace with its admin, for scripts and new installations."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from workspaces import members
from workspaces.errors import MembersError
from workspaces.people import find_or_create_verified


class Command(BaseCommand):
    """`create_workspace NAME --admin-email E [--admin-password P]`; the slug stands on the last line."""

    help = "Create a workspace whose admin has a verified address; prints its slug on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare name, address and password."""
        parser.add_argument("name")
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-password", help="without it the admin sets one by “Forgot your password?”")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        """Create both, or nothing."""
        try:
            user = find_or_create_verified(options["admin_email"], options["admin_password"])
            membership = members.create_workspace(options["name"], user)
        except MembersError as error:
            raise CommandError(error.user_message) from error
        self.stdout.write(f"{user.email} is the admin of {membership.workspace.name}.")
        self.stdout.write(membership.workspace.slug)
