"""The page behind the link of an invitation."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from workspaces import invitations
from workspaces.errors import InvitationError
from workspaces.models import Invitation

STATUS_OF = {"unknown": 404, "used": 410, "withdrawn": 410, "expired": 410, "other_address": 403, "unverified": 403}


@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Say who invites to what; lead to sign-up or login and back; let the invited person join."""
    try:
        found = invitations.find(token)
        if _joined_by_it(request, found):
            return redirect("activity_log", found.workspace.slug)
        invitations.require_usable(found)
        if not request.user.is_authenticated:
            return _show(request, found, **_ways_in(request, found))
        invitations.require_addressee(found, request.user)
        if request.method == "POST":
            membership = invitations.accept_invitation(found, request.user)
            return redirect("activity_log", membership.workspace.slug)
        return _show(request, found)
    except InvitationError as error:
        context = {"error": error, "next": request.path}
        return render(request, "workspaces/invitation_problem.html", context, status=STATUS_OF[error.cause])


def _show(request: HttpRequest, found: Invitation, **context: str) -> HttpResponse:
    return render(request, "workspaces/invitation.html", {"invitation": found, **context})


def _joined_by_it(request: HttpRequest, found: Invitation) -> bool:
    if not request.user.is_authenticated or not found.accepted_at:
        return False
    return found.workspace.memberships.filter(user=request.user.pk, left_at=None).exists()


def _ways_in(request: HttpRequest, found: Invitation) -> dict[str, str]:
    query = urlencode({"next": request.path, "email": found.email})
    return {
        "signup_url": f"{reverse('account_signup')}?{query}",
        "login_url": f"{reverse('account_login')}?{query}",
    }
