"""The saved searches of the Live Feed: shown above it, kept, changed and deleted there."""

import uuid as uuids
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from activity.forms.searches import SavedSearchForm
from activity.models import SavedSearch
from activity.saved_searches import (
    SavedSearchError,
    change_search,
    save_search,
    saved_searches_of,
    without_needless_spaces,
)
from workspaces.access import member
from workspaces.models import Membership


@require_POST
@member
def live_feed_search_save(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep a search of the member under a name."""
    try:
        search = save_search(request.membership, **_read(request))
    except SavedSearchError as error:
        return _refuse(request, "save-search", request.POST.get("query", ""), error)
    return _answer(request, search.query, f"Saved as “{search.name}”.")


@require_POST
@member
def live_feed_search_change(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Give a search of the member another name or line; another line is opened."""
    search = get_object_or_404(request.membership.saved_searches, uuid=uuid)
    query = search.query
    try:
        change_search(search, **_read(request))
    except SavedSearchError as error:
        return _refuse(request, "edit-search", query, error)
    said = f"“{search.name}” is changed."
    if search.query == query or not request.htmx:
        return _answer(request, search.query, said)
    messages.success(request, said)
    return HttpResponseClientRedirect(_feed_url(slug, search.query))


@require_POST
@member
def live_feed_search_delete(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Delete a search of the member; the answer offers to take that back."""
    search = get_object_or_404(request.membership.saved_searches, uuid=uuid)
    search.delete()
    return _answer(request, search.query, f"“{search.name}” is deleted.", undo=search)


def saved_searches_context(membership: Membership, query: str) -> dict[str, Any]:
    """What the template of the saved searches shows beside the search line `query`."""
    query = without_needless_spaces(query)
    searches = list(saved_searches_of(membership))
    for search in searches:
        search.href = _feed_url(membership.workspace.slug, search.query)
    return {
        "query": query,
        "saved_searches": searches,
        "current_search": next((search for search in searches if search.query == query), None),
    }


def _feed_url(slug: str, query: str) -> str:
    return f"{reverse('live_feed', args=[slug])}?{urlencode({'q': query})}"


def _read(request: HttpRequest) -> dict[str, str]:
    """Name and line as posted. Raises SavedSearchError."""
    form = SavedSearchForm(request.POST)
    if not form.is_valid():
        raise SavedSearchError(form.first_error)
    return form.cleaned_data


def _refuse(request: HttpRequest, dialog: str, query: str, error: SavedSearchError) -> HttpResponse:
    """For htmx the sentence, in the dialog that stays open; without it the feed."""
    if not request.htmx:
        messages.error(request, error.user_message)
        return redirect(_feed_url(request.workspace.slug, query))
    said = render(request, "components/alert.html", {"tone": "bad", "text": error.user_message})
    return reswap(retarget(said, f"#{dialog}-problem"), "innerHTML")


def _answer(request: HttpRequest, query: str, said: str, undo: SavedSearch | None = None) -> HttpResponse:
    """For htmx the saved searches as they are now, with an undo; without it the feed."""
    if not request.htmx:
        messages.success(request, said)
        return redirect(_feed_url(request.workspace.slug, query))
    context = saved_searches_context(request.membership, query) | {"said": said, "undo": undo}
    return render(request, "activity/_saved_searches.html", context)
