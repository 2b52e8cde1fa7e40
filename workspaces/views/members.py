"""The workspace's people: who is in it, who is invited, and what each may do."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import access, invitations, signals
from workspaces import members as people
from workspaces.errors import MembersError
from workspaces.forms import InviteForm, RoleChoiceForm
from workspaces.models import Invitation, Membership
from workspaces.views.changes import attempt


@require_http_methods(["GET", "POST"])
@access.admin
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """List members and open invitations; a POST invites."""
    form = InviteForm(request.workspace, request.POST or None)
    if form.is_valid() and _invite(request, form):
        return redirect("members", slug)
    live = list(people.live_memberships(request.workspace))
    signals.members_listed.send(Membership, workspace=request.workspace, memberships=live)
    context = {
        "form": form,
        "members": live,
        "invitations": invitations.open_invitations(request.workspace).select_related("role", "invited_by"),
        "roles": request.workspace.roles.order_by("-is_default", "name"),
        "now": timezone.now(),
        "state_templates": ["integrations/_member_state.html", "workspaces/_no_member_state.html"],
    }
    return render(request, "workspaces/members.html", context)


@require_POST
@access.admin
def member_role(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """Give a member another role."""
    membership = _member(request, uuid)
    form = RoleChoiceForm(request.workspace, request.POST)
    if not form.is_valid():
        messages.error(request, "This role does not exist any more. Please choose another one.")
        return redirect("members", slug)
    role = form.cleaned_data["role"]
    done = f"{membership.user} is in the role {role} now."
    attempt(request, lambda: people.change_role(membership, role, by=request.user), done)
    return redirect("members", slug)


@require_POST
@access.admin
def member_admin(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """Make a member an admin (`admin=yes`), or no longer one; who gave up the own rights cannot see the list."""
    membership = _member(request, uuid)
    is_admin = request.POST.get("admin") == "yes"
    done = f"{membership.user} is {'an admin now' if is_admin else 'no admin any more'}."
    changed = attempt(request, lambda: people.set_admin(membership, is_admin, by=request.user), done)
    gave_up = changed and not is_admin and membership.user_id == request.user.pk
    return redirect("profile" if gave_up else "members", slug)


@require_POST
@access.admin
def member_remove(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """End a membership."""
    membership = _member(request, uuid)
    done = f"{membership.user} is not a member any more."
    removed = attempt(request, lambda: people.remove(membership, by=request.user), done)
    if removed and membership.user_id == request.user.pk:
        return redirect("home")
    return redirect("members", slug)


@require_POST
@access.admin
def invitation_resend(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """Send a new letter in place of an open invitation's."""
    invitation = _invitation(request, uuid)
    done = f"A new e-mail is on its way to {invitation.email}."
    attempt(request, lambda: invitations.resend(invitation, by=request.user), done)
    return redirect("members", slug)


@require_POST
@access.admin
def invitation_withdraw(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """End an open invitation."""
    invitation = _invitation(request, uuid)
    done = f"The invitation to {invitation.email} is withdrawn."
    attempt(request, lambda: invitations.withdraw(invitation, by=request.user), done)
    return redirect("members", slug)


def _invite(request: HttpRequest, form: InviteForm) -> bool:
    chosen = form.cleaned_data
    try:
        invitations.invite(request.workspace, chosen["email"], chosen["role"], chosen["is_admin"], by=request.user)
    except MembersError as error:
        form.add_error("email", error.user_message)
        return False
    messages.success(request, f"An invitation is on its way to {chosen['email'].lower()}.")
    return True


def _member(request: HttpRequest, uuid: str) -> Membership:
    return get_object_or_404(people.live_memberships(request.workspace), uuid=uuid)


def _invitation(request: HttpRequest, uuid: str) -> Invitation:
    found = request.workspace.invitations.select_related("workspace", "role")
    return get_object_or_404(found, uuid=uuid)
