"""The app that says through what: Salesforce connections, API keys."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Registers the app."""

    name = "integrations"
    verbose_name = "Integrations"

    def ready(self) -> None:
        """Register the checks of the operator's settings and connect the receivers."""
        from config import checks  # noqa: F401 - registers by import
        from integrations import receivers  # noqa: F401 - registers by import
