"""Which static files are collected for production."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class OurStaticFiles(StaticFilesConfig):
    """Leaves out what packages bring for pages that we do not have; compressing it would take half a minute."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "ninja", "django_htmx"]
