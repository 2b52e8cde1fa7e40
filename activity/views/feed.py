"""The Live Feed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from activity.feed_search import FeedSearch, parse_search
from activity.forms.searches import FeedForm
from activity.queries.feed import FeedPage, chart
from activity.queries.feed import live_feed as read_feed
from workspaces.access import member

EXAMPLES = ("is:opened", "is:replied", "from:me", "is:unsynced", "sent:today")


@require_GET
@member
def live_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; for htmx (another search) only the list."""
    form = FeedForm(request.GET)
    search = _search(form)
    context = _context(request, form, search, _read(request, form, search))
    if request.htmx:
        return render(request, "activity/_feed.html", context)
    today = timezone.localdate()
    page = {"bars": chart(request.workspace, request.membership, today), "form": form, "examples": EXAMPLES}
    return render(request, "activity/feed.html", context | page)


@require_GET
@member
def live_feed_live(request: HttpRequest, slug: str) -> HttpResponse:
    """The list again when it changed since `v`, else 204."""
    form = FeedForm(request.GET)
    search = _search(form)
    page = _read(request, form, search)
    if page.version == request.GET.get("v"):
        return HttpResponse(status=204)
    return render(request, "activity/_feed.html", _context(request, form, search, page))


def _search(form: FeedForm) -> FeedSearch:
    return parse_search(form.cleaned_data.get("q", ""), timezone.localdate())


def _read(request: HttpRequest, form: FeedForm, search: FeedSearch) -> FeedPage:
    return read_feed(request.workspace, search, request.membership, form.cleaned_data.get("after"))


def _context(request: HttpRequest, form: FeedForm, search: FeedSearch, page: FeedPage) -> dict[str, Any]:
    feed, after = reverse("live_feed", args=[request.workspace.slug]), form.cleaned_data.get("after")
    q = {"q": form.cleaned_data["q"]} if form.cleaned_data.get("q") else {}
    live = f"{feed}live/?{urlencode(q | {'v': page.version})}"
    return {
        "page": page,
        "search": search,
        "is_filtered": bool(q),
        "feed_url": feed,
        "log_url": reverse("activity_log", args=[request.workspace.slug]),
        "newest_url": f"{feed}?{urlencode(q)}" if after else "",
        "older_url": f"{feed}?{urlencode(q | {'after': page.older})}" if page.older else "",
        "live_url": "" if after else live,
    }
