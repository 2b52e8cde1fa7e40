"""A person's own page, and leaving a workspace."""

from copy import copy
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import access, members, time_zones
from workspaces.errors import MembersError
from workspaces.forms import ProfileForm


@require_http_methods(["GET", "POST"])
@access.member
def profile(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and save the person's name and time zone."""
    # a copy, so that the page's frame shows the name that holds, not one that was refused
    form = ProfileForm(request.POST or None, instance=copy(request.membership.user))
    if form.is_valid():
        form.instance.save(update_fields=["name", "time_zone"])
        messages.success(request, "Your profile is saved.")
        return redirect("profile", slug)
    return render(request, "workspaces/profile.html", {"form": form, "zones": _zones(timezone.now())})


@require_POST
@access.member
def workspace_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """End the person's own membership."""
    try:
        members.remove(request.membership, by=request.membership.user)
    except MembersError as error:
        messages.error(request, error.user_message)
        return redirect("profile", slug)
    messages.success(request, f"You have left {request.workspace}.")
    return redirect("home")


def _zones(moment: datetime) -> list[tuple[str, str]]:
    """Each zone's name, and its distance from UTC at the moment, for the list of suggestions."""
    return [(name, _distance(moment.astimezone(ZoneInfo(name)))) for name in time_zones.names()]


def _distance(moment: datetime) -> str:
    text = f"{moment:%z}"
    return f"UTC{text[:3]}:{text[3:5]}"
