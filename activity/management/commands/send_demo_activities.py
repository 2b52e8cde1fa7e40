"""Reports the demo's conversations, as a mail client would."""

from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from activity.demo.conversations import reports
from activity.demo.team import SLUG, key_file
from activity.models import Activity


class Command(BaseCommand):
    """`manage.py send_demo_activities`: once; later starts find them there."""

    help = "Send the demo's sample activities to the API of the running web server."

    def handle(self, **options: Any) -> None:
        """Post them unless they were. Raises CommandError when the API does not take them."""
        if Activity.objects.filter(workspace__slug=SLUG).exists():
            return
        answer = requests.post(
            f"{settings.BASE_URL}/api/v1/activities",
            json={"activities": reports(timezone.now())},
            headers={"Authorization": f"Bearer {key_file().read_text(encoding='utf-8')}"},
            timeout=30,
        )
        if answer.status_code != requests.codes.accepted:
            raise CommandError(f"The API answered {answer.status_code}.")
        refused = [result["id"] for result in answer.json()["results"] if result["status"] == "rejected"]
        if refused:
            raise CommandError(f"The API refused {', '.join(refused)}.")
