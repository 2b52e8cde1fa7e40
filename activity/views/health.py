"""Sync health: what stands still in the workspace, by cause."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from activity.queries.health import Cause, error_groups
from activity.views.row import PAGES
from workspaces.access import admin


@require_GET
@admin
def sync_health(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; for htmx (progress of a replay) only the list."""
    causes = error_groups(request.workspace)
    context = {
        "errors": [_in_page(slug, cause) for cause in causes if cause.is_error],
        "held": [_in_page(slug, cause) for cause in causes if not cause.is_error],
        "error_rows": sum(cause.rows for cause in causes if cause.is_error),
        "held_rows": sum(cause.rows for cause in causes if not cause.is_error),
        "health_url": reverse("sync_health", args=[slug]),
    }
    return render(request, "activity/_sync_health.html" if request.htmx else "activity/sync_health.html", context)


def _in_page(slug: str, cause: Cause) -> dict[str, object]:
    """The cause with the addresses of its rows and of the page where it is put right."""
    rows = {"whose": "everyone", "reason": cause.reason.value, "status": "errors" if cause.is_error else "not_synced"}
    button = cause.explanation.button
    return {
        "cause": cause,
        "rows_url": f"{reverse('activity_log', args=[slug])}?{urlencode(rows)}",
        "page": {"label": button.label, "href": reverse(PAGES[button], args=[slug])} if button in PAGES else None,
    }
