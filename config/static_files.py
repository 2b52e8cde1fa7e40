"""Which static files of the installed packages are ours to serve."""

from typing import Any

from django.apps import apps
from django.contrib.staticfiles.finders import AppDirectoriesFinder

# Packages with pages or scripts that we do not use: compressing theirs would take half a minute.
LEFT_OUT = ("ninja", "django_htmx")


class UsedAppsFinder(AppDirectoriesFinder):
    """Finds the static files of all apps but those."""

    def __init__(self, app_names: list[str] | None = None, *args: Any, **kwargs: Any) -> None:
        used = [app.name for app in apps.get_app_configs() if app.name not in LEFT_OUT]
        super().__init__(app_names or used, *args, **kwargs)
