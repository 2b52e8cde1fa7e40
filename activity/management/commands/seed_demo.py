"""Makes the demo's people and connections."""

from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from activity.demo.team import ADA, BEN, PASSWORDS, SUPPORT, make_team

LINES = (
    ("Ada, the workspace admin", ADA, "not connected to Salesforce yet: try it under Settings › Integrations"),
    ("Ben, a member", BEN, "connected"),
    ("Support staff", SUPPORT, "browses /admin/"),
)


class Command(BaseCommand):
    """`manage.py seed_demo`: once or again, the same people."""

    help = "Make the demo's workspace with its people and connections, against the Salesforce stand-in."

    def handle(self, **options: Any) -> None:
        """Print who can log in. Raises CommandError without a stand-in: it would go to the real Salesforce."""
        if not (settings.DEBUG and settings.SALESFORCE_EXTRA_HOSTS):
            raise CommandError("The demo is made only with DEBUG on and with the stand-in for Salesforce.")
        try:
            make_team()
        except requests.RequestException as error:
            raise CommandError(f"The stand-in for Salesforce does not answer ({type(error).__name__}).") from None
        for who, address, note in LINES:
            self.stdout.write(f"{who:26}{address:28}{PASSWORDS[address]:20}{note}")
