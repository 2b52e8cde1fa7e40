"""What the banner at the top of every page says."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def banners(request: HttpRequest) -> dict[str, Any]:
    """`stand_in_url`: where a stand-in plays Salesforce, so that nobody takes it for an org; else empty."""
    return {"stand_in_url": settings.SALESFORCE_LOGIN_URL if settings.SALESFORCE_EXTRA_HOSTS else ""}
