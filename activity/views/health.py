"""Sync health: what stands still in the workspace, by cause."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from activity.causes import retry_cause, try_one
from activity.forms.causes import CauseForm
from activity.queries.health import Cause, error_groups
from activity.repair import RepairError
from activity.views.attempts import attempt
from activity.views.repairs import say_count
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


@require_POST
@admin
def sync_health_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Try the newest row of a cause; the others follow when it succeeds."""
    form = CauseForm(request.POST)

    def test() -> str:
        job = form.is_valid() and try_one(request.workspace, form.reason, request.user, error_code=form.error_code)
        if not job:
            raise RepairError("Nothing stands still for this cause any more.")
        return f"One activity of {job.owner} is tried now. When it succeeds, the cause is gone."

    attempt(request, test)
    return redirect("sync_health", slug)


@require_POST
@admin
def sync_health_replay(request: HttpRequest, slug: str) -> HttpResponse:
    """Let every row of a cause go again."""
    form = CauseForm(request.POST)

    def replay() -> str:
        if not form.is_valid():
            return say_count(0)
        return say_count(retry_cause(request.workspace, form.reason, request.user, error_code=form.error_code))

    attempt(request, replay)
    return redirect("sync_health", slug)


def _in_page(slug: str, cause: Cause) -> dict[str, object]:
    """The cause with the addresses of its rows and of the page where it is put right."""
    rows = {"whose": "everyone", "reason": cause.reason.value, "status": "errors" if cause.is_error else "not_synced"}
    button = cause.explanation.button
    return {
        "cause": cause,
        "rows_url": f"{reverse('activity_log', args=[slug])}?{urlencode(rows)}",
        "page": {"label": button.label, "href": reverse(PAGES[button], args=[slug])} if button in PAGES else None,
    }
