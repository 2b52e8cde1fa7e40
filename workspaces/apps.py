"""The app that says who: people, workspaces, memberships."""

from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    """Registers the app."""

    name = "workspaces"
    verbose_name = "Workspaces"
