"""The app that says what: activities, and how they reach Salesforce."""

from django.apps import AppConfig


class ActivityConfig(AppConfig):
    """Registers the app and listens to the news from below."""

    name = "activity"
    verbose_name = "Activity"

    def ready(self) -> None:
        """Connect the receivers."""
        from activity import receivers  # noqa: F401 - registers by import
