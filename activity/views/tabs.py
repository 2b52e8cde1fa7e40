"""The tabs that belong together."""

from django.http import HttpRequest
from django.urls import reverse


def crm_tabs(request: HttpRequest) -> list[dict[str, object]]:
    """Settings and Activity Log, the two halves of CRM & Live Feed."""
    tabs = (("Settings", "crm_and_live_feed"), ("Activity Log", "activity_log"))
    return [
        {"label": label, "href": href, "current": href == request.path}
        for label, href in ((label, reverse(name, args=[request.workspace.slug])) for label, name in tabs)
    ]
