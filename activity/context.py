"""What every page's frame shows of the activities."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from activity.queries.unresolved import count_unresolved


def unresolved(request: HttpRequest) -> dict[str, Any]:
    """`unresolved_count` beside the navigation's link, in the request's workspace; asked for when it is shown."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {}
    return {"unresolved_count": SimpleLazyObject(lambda: count_unresolved(membership))}
