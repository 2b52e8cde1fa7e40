"""The app that says what: activities, and how they reach Salesforce."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ActivityConfig(AppConfig):
    """Registers the app and listens to the news from below."""

    name = "activity"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Connect the receivers; let `migrate` set the schedules."""
        from activity import receivers  # noqa: F401 - registers by import
        from config.schedules import set_schedules

        post_migrate.connect(set_schedules, sender=self, dispatch_uid="schedules")
