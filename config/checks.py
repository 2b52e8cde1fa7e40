"""What a production process refuses to start without. Django runs these before every command and server."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name

from integrations import secrets

SHORTEST_SECRET_KEY = 50
FEWEST_DIFFERENT_CHARACTERS = 5


@register()
def check_encryption_keys(**kwargs: Any) -> list[CheckMessage]:
    """Tokens are stored sealed or not at all: without good keys nothing starts (with DEBUG one is derived)."""
    try:
        secrets.keyring()
    except secrets.KeysInvalid as error:
        hint = "Make one with `python manage.py make_encryption_key` and set FIELD_ENCRYPTION_KEYS to it."
        return [Error(str(error), hint=hint, id="touchline.E001")]
    return []


@register()
def check_secret_key(**kwargs: Any) -> list[CheckMessage]:
    """A guessable SECRET_KEY gives away sessions, OAuth states and the queue; with DEBUG any will do."""
    key = settings.SECRET_KEY
    weak = len(key) < SHORTEST_SECRET_KEY or len(set(key)) < FEWEST_DIFFERENT_CHARACTERS
    if settings.DEBUG or not (weak or key.startswith("django-insecure-")):
        return []
    return [
        Error(
            f"SECRET_KEY must be at least {SHORTEST_SECRET_KEY} random characters.",
            hint="Set SECRET_KEY, or SECRET_KEY_FILE to a file that holds it.",
            id="touchline.E002",
        )
    ]


@register()
def check_extra_hosts(**kwargs: Any) -> list[CheckMessage]:
    """Extra Salesforce hosts are for a stand-in: in production they would be sent our client secret."""
    if settings.DEBUG or not settings.SALESFORCE_EXTRA_HOSTS or settings.SALESFORCE_ALLOW_EXTRA_HOSTS:
        return []
    return [
        Error(
            "SALESFORCE_EXTRA_HOSTS is set in production.",
            hint="Unset it, or set SALESFORCE_ALLOW_EXTRA_HOSTS=1 on a test installation.",
            id="touchline.E003",
        )
    ]


@register()
def check_sign_in_urls(**kwargs: Any) -> list[CheckMessage]:
    """Another authorization server is sent our client secret and people's tokens: never in clear."""
    names = ("MAILBOX_GOOGLE_SIGN_IN_URL", "MAILBOX_MICROSOFT_SIGN_IN_URL")
    in_clear = [
        name for name in names if getattr(settings, name) and not getattr(settings, name).startswith("https://")
    ]
    if settings.DEBUG:
        return []
    return [
        Error(f"{name} does not begin with https://.", hint="Unset it, or use TLS there.", id="touchline.E004")
        for name in in_clear
    ]


@register()
def check_salesforce_app(**kwargs: Any) -> list[CheckMessage]:
    """Without the External Client App the pages work, but nobody can connect."""
    if settings.DEBUG or (settings.SALESFORCE_CLIENT_ID and settings.SALESFORCE_CLIENT_SECRET):
        return []
    return [
        Warning(
            "SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET are not set: nobody can connect to Salesforce.",
            hint="docs/salesforce-setup.md says how to make the External Client App.",
            id="touchline.W001",
        )
    ]
