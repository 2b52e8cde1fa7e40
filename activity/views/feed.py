"""The Live Feed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from activity.feed_search import LONGEST, FeedSearch, parse_search
from activity.forms.searches import FeedForm
from activity.queries.feed import chart, last_news
from activity.queries.feed import live_feed as read_feed
from activity.views.saved_searches import saved_searches_context
from workspaces.access import member

EXAMPLES = ("is:opened", "is:replied", "from:me", "is:unsynced", "sent:today")
# How often an open page asks for news; less often where that means to look at many activities for a few.
SECONDS, SECONDS_OF_A_COSTLY_SEARCH = 3, 15


@require_GET
@member
def live_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; for htmx (another search) only what depends on the search."""
    form = FeedForm(request.GET)
    news, _ = last_news(request.workspace, request.membership)
    context = _context(request, form, news)
    context |= saved_searches_context(request.membership, form.cleaned_data.get("q", ""))
    context |= {"form": form, "examples": EXAMPLES, "today": timezone.localdate()}
    if request.htmx:
        return render(request, "activity/_found.html", context)
    bars = chart(request.workspace, request.membership, timezone.localdate())
    return render(request, "activity/feed.html", context | {"bars": bars})


@require_GET
@member
def live_feed_live(request: HttpRequest, slug: str) -> HttpResponse:
    """The list again when it changed since `v`, else 204.

    The usual answer costs a few index probes: nothing happened in the workspace since the list was drawn.
    """
    form = FeedForm(request.GET)
    version, _, seen = request.GET.get("v", "").partition(".")
    news, is_settled = last_news(request.workspace, request.membership)
    if news == seen and is_settled:
        return HttpResponse(status=204)
    context = _context(request, form, news)
    if news == seen and context["page"].version == version:
        return HttpResponse(status=204)
    return render(request, "activity/_feed.html", context)


def _search(form: FeedForm) -> FeedSearch:
    search = parse_search(form.cleaned_data.get("q", ""), timezone.localdate())
    if "q" in form.errors:
        search.problems.append(f"This search is not understood: it can have {LONGEST} characters at most.")
    return search


def _context(request: HttpRequest, form: FeedForm, news: str) -> dict[str, Any]:
    """`news` were looked for before the page is read, so that what happens in between is seen by the next look."""
    search, after = _search(form), form.cleaned_data.get("after")
    page = read_feed(request.workspace, search, request.membership, after)
    q = {"q": form.cleaned_data["q"]} if form.cleaned_data.get("q") else {}
    feed = reverse("live_feed", args=[request.workspace.slug])
    live = f"{feed}live/?{urlencode(q | {'v': f'{page.version}.{news}'})}"
    return {
        "page": page,
        "search": search,
        "is_filtered": bool(q),
        "feed_url": feed,
        "log_url": reverse("activity_log", args=[request.workspace.slug]),
        "newest_url": f"{feed}{'?' if q else ''}{urlencode(q)}" if after else "",
        "older_url": f"{feed}?{urlencode(q | {'after': page.older})}" if page.older else "",
        "live_url": "" if after else live,
        "live_seconds": SECONDS_OF_A_COSTLY_SEARCH if page.is_costly else SECONDS,
    }
