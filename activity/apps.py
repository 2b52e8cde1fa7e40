"""The app that says what: activities, and how they reach Salesforce."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ActivityConfig(AppConfig):
    """Registers the app and listens to the news from below."""

    name = "activity"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Connect the receivers; let `migrate` set the schedules, and the card of a connection count what is held."""
        from activity import receivers  # noqa: F401 - registers by import
        from activity.held import count_held
        from config.schedules import set_schedules
        from integrations import held

        held.register(count_held)
        post_migrate.connect(set_schedules, sender=self, dispatch_uid="schedules")
