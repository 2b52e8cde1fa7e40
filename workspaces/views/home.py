"""The way in: the start page, a new workspace, switching, and addresses without a workspace."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from workspaces import access, invitations, members
from workspaces.errors import MembersError
from workspaces.forms import NewWorkspaceForm
from workspaces.last_workspace import last_membership


@require_safe
@access.person
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the Activity Log of the last used workspace; to a new one for somebody who has none."""
    membership = last_membership(request.user)
    if membership is None:
        return redirect("workspace_new")
    return redirect("activity_log", membership.workspace.slug)


@require_safe
@access.person
def in_last_workspace(request: HttpRequest, **_kwargs: Any) -> HttpResponse:
    """Lead from a path without a workspace to the same path of the last used one, query included."""
    membership = last_membership(request.user)
    if membership is None:
        return redirect("workspace_new")
    return redirect(f"/w/{membership.workspace.slug}{request.get_full_path()}")


@require_http_methods(["GET", "POST"])
@access.person
def workspace_new(request: HttpRequest) -> HttpResponse:
    """Create a workspace, or join one to which the person is invited."""
    form = NewWorkspaceForm(request.POST or None)
    if form.is_valid():
        try:
            membership = members.create_workspace(form.cleaned_data["name"], request.user)
        except MembersError as error:
            form.add_error("name", error.user_message)
        else:
            return redirect("activity_log", membership.workspace.slug)
    context = {"form": form, "invitations": invitations.invitations_for(request.user)}
    return render(request, "workspaces/new.html", context)


@require_POST
@access.member
def workspace_switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Go to another of one's workspaces; the gate remembers it."""
    return redirect("activity_log", slug)


@require_POST
@access.person
def invitation_accept(request: HttpRequest, uuid: str) -> HttpResponse:
    """Accept an invitation to one of the person's verified addresses, without its link."""
    invitation = get_object_or_404(invitations.invitations_for(request.user), uuid=uuid)
    try:
        membership = invitations.accept_invitation(invitation, request.user)
    except MembersError as error:
        messages.error(request, error.user_message)
        return redirect("workspace_new")
    return redirect("activity_log", membership.workspace.slug)
