"""The app that says through what: Salesforce connections, API keys."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Registers the app."""

    name = "integrations"
    verbose_name = "Integrations"
