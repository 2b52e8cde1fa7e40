"""Make a person a member of a workspace, without an invitation, for scripts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from workspaces import members
from workspaces.errors import MembersError
from workspaces.models import Workspace
from workspaces.people import find_or_create_verified


class Command(BaseCommand):
    """`add_member SLUG --email E [--password P] [--admin]`."""

    help = "Make a person with a verified address a member of the workspace; create the person where needed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare slug, address, password and the admin switch."""
        parser.add_argument("slug")
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", help="without it the person sets one by “Forgot your password?”")
        parser.add_argument("--admin", action="store_true")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        """Create what is missing, or nothing at all."""
        workspace = Workspace.objects.filter(slug=options["slug"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace “{options['slug']}”.")
        try:
            user = find_or_create_verified(options["email"], options["password"])
        except MembersError as error:
            raise CommandError(error.user_message) from error
        membership = members.add(workspace, user, is_admin=options["admin"])
        what = "an admin" if membership.is_admin else "a member"
        self.stdout.write(f"{user.email} is {what} of {workspace.name}.")
