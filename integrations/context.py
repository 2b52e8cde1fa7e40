"""What the banner at the top of every page says."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def banners(request: HttpRequest) -> dict[str, Any]:
    """`stand_in_banner`: whether a stand-in plays Salesforce here, so that nobody takes it for an org."""
    return {"stand_in_banner": bool(settings.SALESFORCE_EXTRA_HOSTS)}
