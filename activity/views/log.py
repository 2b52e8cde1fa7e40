"""The Activity Log: the list, what goes on in it while it is open, and its export."""

from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from activity.counts import Count
from activity.export import write_csv
from activity.forms.log import LogFilterForm
from activity.models import StatusGroup
from activity.queries.log import Page, is_settled, last_change
from activity.queries.log import activity_log as read_log
from activity.queries.log_counts import status_counts
from activity.views.tabs import crm_tabs
from workspaces.access import member

TONES = {StatusGroup.NOT_SYNCED: "wait", StatusGroup.SYNCED: "good", StatusGroup.ERRORS: "bad"}


@require_GET
@member
def activity_log(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; for htmx (a filter was changed) only the list."""
    form = LogFilterForm(request.GET, membership=request.membership)
    change = last_change(request.workspace, form.owner)
    context = _list_context(request, form, _read_list(request, form), change) | {
        "form": form,
        "tabs": crm_tabs(request),
    }
    return render(request, "activity/_log.html" if request.htmx else "activity/log.html", context)


@require_GET
@member
def activity_log_live(request: HttpRequest, slug: str) -> HttpResponse:
    """The list again when it changed since `v`, else 204.

    The usual answer costs one index probe: nothing of these people changed since the list was drawn.
    """
    form = LogFilterForm(request.GET, membership=request.membership)
    change = last_change(request.workspace, form.owner)
    version, _, seen = request.GET.get("v", "").partition(".")
    is_same = seen == _stamp(change)
    if is_same and is_settled(change):
        return HttpResponse(status=204)
    read = _read_list(request, form)
    if is_same and read.page.version == version:
        return HttpResponse(status=204)
    return render(request, "activity/_log.html", _list_context(request, form, read, change))


@require_GET
@member
def activity_log_export(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """The filtered list as CSV, streamed."""
    form = LogFilterForm(request.GET, membership=request.membership)
    lines = write_csv(request.workspace, form.read_filters(), form.owner, request.membership)
    name = f"activity-log-{timezone.localdate():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


class List(NamedTuple):
    """What is read for the list."""

    page: Page
    counts: dict[StatusGroup, Count]


def _read_list(request: HttpRequest, form: LogFilterForm) -> List:
    """The counts first: where they know of no row, none is looked for through all the others."""
    filters, owner = form.read_filters(), form.owner
    counts = status_counts(request.workspace, filters, owner, viewer=request.membership)
    shown = counts[StatusGroup(filters.status)] if filters.status else sum(counts.values(), Count())
    if shown == Count(0):
        return List(Page((), None, None), counts)
    return List(read_log(request.workspace, filters, owner, viewer=request.membership, **form.cursor), counts)


def _list_context(request: HttpRequest, form: LogFilterForm, read: List, change: datetime | None) -> dict[str, Any]:
    """`change` was read before the list, so that what happens in between is seen by the next look."""
    page = read.page
    return {
        "page": page,
        "stats": _stats(request, form, read.counts),
        "shows_everyone": form.shows_everyone,
        "is_filtered": form.is_filtered,
        "is_empty": not page.rows,
        "log_url": reverse("activity_log", args=[request.workspace.slug]),
        "clear_url": _log_url(request, form, keep=("whose",)),
        "newer_url": _log_url(request, form, before=page.newer) if page.newer else "",
        "older_url": _log_url(request, form, after=page.older) if page.older else "",
        "export_url": _log_url(request, form, name="activity_log_export"),
        "live_url": _live_url(request, form, f"{page.version}.{_stamp(change)}"),
    }


def _stats(request: HttpRequest, form: LogFilterForm, counts: dict[StatusGroup, Count]) -> list[dict[str, Any]]:
    chosen = form.cleaned_data.get("status", "")
    total = {"label": "All", "value": sum(counts.values(), Count()), "href": _log_url(request, form, status="")}
    return [total | {"current": not chosen}] + [
        {
            "label": group.label,
            "value": counts[group],
            "tone": TONES[group],
            "href": _log_url(request, form, status=group.value),
            "current": chosen == group,
        }
        for group in StatusGroup
    ]


def _live_url(request: HttpRequest, form: LogFilterForm, version: str) -> str:
    return _log_url(request, form, name="activity_log_live", v=version) if form.is_first_page else ""


FILTERS = ("status", "recipient", "activity", "type", "reason", "whose", "since", "until")


def _log_url(
    request: HttpRequest,
    form: LogFilterForm,
    name: str = "activity_log",
    keep: tuple[str, ...] = FILTERS,
    **changes: Any,
) -> str:
    """The address of the log, its live part or its export with today's filters and some changes."""
    query = request.GET.copy()
    for given in list(query):
        if given not in keep or not query[given]:
            del query[given]
    for given, value in changes.items():
        query[given] = str(value)
        if value == "":
            del query[given]
    encoded = query.urlencode()
    return reverse(name, args=[request.workspace.slug]) + (f"?{encoded}" if encoded else "")


def _stamp(change: datetime | None) -> str:
    return f"{change.timestamp():.6f}" if change else "none"
