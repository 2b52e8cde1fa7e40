"""The workspace's roles; a role's Salesforce settings have their own page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import access
from workspaces import roles as groups
from workspaces.errors import MembersError
from workspaces.forms import RoleNameForm
from workspaces.models import Role
from workspaces.views.changes import attempt


@require_http_methods(["GET", "POST"])
@access.admin
def roles(request: HttpRequest, slug: str) -> HttpResponse:
    """List the roles; a POST creates one."""
    form = RoleNameForm(request.POST or None)
    if form.is_valid():
        try:
            role = groups.create_role(request.workspace, form.cleaned_data["name"], by=request.user)
        except MembersError as error:
            form.add_error("name", error.user_message)
        else:
            messages.success(request, f"The role {role} is created.")
            return redirect("roles", slug)
    context = {"form": form, "roles": groups.roles_of(request.workspace)}
    return render(request, "workspaces/roles.html", context)


@require_POST
@access.admin
def role_rename(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """Give a role another name."""
    role, form = _role(request, uuid), RoleNameForm(request.POST)
    name = form.cleaned_data["name"] if form.is_valid() else ""
    attempt(request, lambda: groups.rename_role(role, name, by=request.user), "The role is renamed.")
    return redirect("roles", slug)


@require_POST
@access.admin
def role_default(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """Make a role the one of whoever joins."""
    role = _role(request, uuid)
    done = f"New members are in the role {role} from now on."
    attempt(request, lambda: groups.make_default(role, by=request.user), done)
    return redirect("roles", slug)


@require_POST
@access.admin
def role_delete(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """Delete a role that nobody is in."""
    role = _role(request, uuid)
    attempt(request, lambda: groups.delete_role(role, by=request.user), f"The role {role} is deleted.")
    return redirect("roles", slug)


def _role(request: HttpRequest, uuid: str) -> Role:
    return get_object_or_404(request.workspace.roles, uuid=uuid)
