"""What happens to a request before any page sees it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from activity.views.tracking import tell_gone

TRACKING = "/t/"
API = "/api/"


class TrackingWithoutSession:
    """Answers tracking addresses before sessions and cookies come into play: who opens a mail is nobody to us."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Call the view of a tracking address; pass everything else on."""
        if not request.path_info.startswith(TRACKING):
            return self.get_response(request)
        try:
            found = resolve(request.path_info)
        except Resolver404:
            return tell_gone(request)
        return found.func(request, *found.args, **found.kwargs)


class ApiWithoutSession:
    """Answers the API before sessions and cookies come into play: who asks is known by a key."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Call the view of an address of the API; pass everything else on."""
        if not request.path_info.startswith(API):
            return self.get_response(request)
        try:
            found = resolve(request.path_info)
        except Resolver404:
            return self.get_response(request)
        request.resolver_match = found
        return found.func(request, *found.args, **found.kwargs)
