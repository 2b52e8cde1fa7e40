"""The only gate: who may open a page, and in which workspace.

A view of a workspace takes `(request, slug, …)` and is decorated with `@member` or `@admin`; it then has
`request.workspace` and `request.membership`, and fetches everything else through `request.workspace.<related>`.
Somebody who is not a member gets the same 404 as for a workspace that does not exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

from workspaces.models import Membership, User

View = Callable[..., HttpResponse]


def person(view: View) -> View:
    """Let in whoever is logged in; send everybody else to the login page and back."""

    @wraps(view)
    def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return send_to_login(request)
        return view(request, *args, **kwargs)

    return gate


def member(view: View) -> View:
    """Let in the workspace's members; sets `request.workspace` and `request.membership`.

    Anonymous: to the login page. No live membership in the workspace named by the slug: Http404.
    """

    @person
    @wraps(view)
    def gate(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        enter_workspace(request, slug)
        return view(request, slug, *args, **kwargs)

    return gate


def admin(view: View) -> View:
    """Let in the workspace's admins; as `member`, and a member who is no admin gets PermissionDenied (403)."""

    @member
    @wraps(view)
    def gate(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.membership.is_admin:
            raise PermissionDenied
        return view(request, slug, *args, **kwargs)

    return gate


def enter_workspace(request: HttpRequest, slug: str) -> None:
    """Set `request.workspace` and `request.membership`, and remember the workspace; raises Http404 for outsiders."""
    membership = (
        Membership.objects.select_related("workspace", "user", "role")
        .filter(workspace__slug=slug, user=request.user.pk, left_at=None)
        .first()
    )
    if membership is None:
        raise Http404
    request.workspace, request.membership = membership.workspace, membership
    if not is_fragment(request):
        remember_workspace(membership.user, membership.workspace_id)


def remember_workspace(user: User, workspace_id: int) -> None:
    """Keep where the person was last; writes only when that changed."""
    if user.last_workspace_id != workspace_id:
        User.objects.filter(pk=user.pk).update(last_workspace=workspace_id)


def is_fragment(request: HttpRequest) -> bool:
    """Whether a page that is already open asks for a part of itself: a background tab must not count as a visit."""
    return bool(getattr(request, "htmx", False))


def send_to_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page, and back afterwards; an open page is led there as a whole, not in a fragment."""
    if is_fragment(request):
        here = request.htmx.current_url_abs_path or "/"
        return HttpResponseClientRedirect(redirect_to_login(here, resolve_url("account_login")).url)
    here = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
    return redirect_to_login(here, resolve_url("account_login"))
