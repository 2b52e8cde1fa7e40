"""What every page's frame needs to know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from workspaces.last_workspace import last_membership, workspaces_of


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The workspace and membership of the request, else the last used ones, and the switcher's list.

    Nothing is asked of the database before the page uses it; None and [] for somebody who is not logged in.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"workspace": None, "membership": None, "workspaces": [], "sign_up_open": settings.SIGN_UP_OPEN}
    current = getattr(request, "membership", None)
    membership = current or SimpleLazyObject(lambda: last_membership(user))
    return {
        "workspace": current.workspace if current else SimpleLazyObject(lambda: _workspace(membership)),
        "membership": membership,
        "workspaces": SimpleLazyObject(lambda: workspaces_of(user)),
    }


def _workspace(membership: Any) -> Any:
    return membership.workspace if membership else None
