"""The Salesforce settings of a role, and the step that lets the roles' activities flow."""

import uuid as uuids
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from activity import exclusions
from activity.forms.exclusions import ExclusionForm, OverrideForm
from activity.forms.role import RoleSettingsForm, RoleSwitchesForm
from activity.models import LoggingSettingsVersion
from activity.queries import role as reads
from activity.settings import confirm, save_settings
from workspaces.access import admin
from workspaces.models import Role


@require_http_methods(["GET", "POST"])
@admin
def role(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Show a role's settings; a POST saves them as a new version."""
    found = _role(request, uuid)
    settings = reads.saved_settings(found)
    form = RoleSettingsForm(request.POST or None, instance=settings)
    if request.method == "POST" and form.is_valid():
        saved = save_settings(found, form.saved_values, request.user)
        messages.success(request, f"Saved as version {saved.version}. It holds for new activities.")
        return redirect("role", slug, uuid)
    context = {
        "role": found,
        "settings": settings,
        "form": form,
        "previews": reads.preview_subjects(settings.subject_templates),
        "versions": reads.versions_of(settings),
        "exclusion_form": ExclusionForm(),
        **reads.exclusion_lists(found),
    }
    return render(request, "activity/role.html", context)


@require_POST
@admin
def role_preview(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """What the settings in the form would make of subjects, and of the last 7 days; nothing is saved."""
    found = _role(request, uuid)
    form = RoleSettingsForm(request.POST, instance=reads.saved_settings(found))
    form.is_valid()
    context = {
        "previews": reads.preview_subjects(form.subject_templates),
        "estimate": reads.estimate(found, form.chosen_kinds()),
    }
    return render(request, "activity/_role_preview.html", context)


@require_POST
@admin
def role_exclusion_add(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Never log something for the role's members."""
    found, form = _role(request, uuid), ExclusionForm(request.POST)
    return _change_list(
        request, found, form, lambda data: exclusions.add_for_role(found, data["kind"], data["value"], request.user)
    )


@require_POST
@admin
def role_override_add(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Log addresses of the built-in list all the same."""
    found, form = _role(request, uuid), OverrideForm(request.POST)
    return _change_list(
        request, found, form, lambda data: exclusions.add_override(found, data["value"], request.user)
    )


@require_POST
@admin
def role_exclusion_remove(request: HttpRequest, slug: str, uuid: uuids.UUID, entry: uuids.UUID) -> HttpResponse:
    """Take an entry off one of the role's lists."""
    found = _role(request, uuid)
    exclusion = get_object_or_404(found.exclusions, workspace=request.workspace, uuid=entry)
    exclusions.remove_from_role(exclusion, request.user)
    messages.success(request, f"{exclusion.value} is off the list.")
    return redirect("role", slug, uuid)


@require_POST
@admin
def role_restore(request: HttpRequest, slug: str, uuid: uuids.UUID, number: int) -> HttpResponse:
    """Save the values of an earlier version as the newest one."""
    found = _role(request, uuid)
    version = LoggingSettingsVersion.objects.filter(settings__role=found, number=number).first()
    if version is None:
        raise Http404
    saved = save_settings(found, version.content, request.user)
    messages.success(request, f"Version {number} is back, as version {saved.version}.")
    return redirect("role", slug, uuid)


@require_http_methods(["GET", "POST"])
@admin
def roles_confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """The last step of connecting the Sync User: confirm every role's switches; then their activities flow."""
    roles = list(request.workspace.roles.select_related("logging_settings").order_by("-is_default", "name"))
    cards = [(found, _switches_form(request, found)) for found in roles]
    if request.method == "POST" and all(form.is_valid() for _, form in cards):
        with transaction.atomic():
            for found, form in cards:
                confirm(found, form.cleaned_data, request.user)
        messages.success(request, "Confirmed. Activities flow to Salesforce from now on.")
        return redirect("activity_log", slug)
    return render(request, "activity/roles_confirm.html", {"cards": cards})


def _role(request: HttpRequest, uuid: uuids.UUID) -> Role:
    return get_object_or_404(request.workspace.roles.select_related("workspace"), uuid=uuid)


def _switches_form(request: HttpRequest, found: Role) -> RoleSwitchesForm:
    settings = getattr(found, "logging_settings", None) or reads.saved_settings(found)
    return RoleSwitchesForm(request.POST or None, instance=settings, prefix=str(found.uuid))


def _change_list(request: HttpRequest, found: Role, form: Any, change: Any) -> HttpResponse:
    """Add an entry and say how it went."""
    try:
        if not form.is_valid():
            raise exclusions.ExclusionError("Please write what is to go on the list.")
        entry = change(form.cleaned_data)
    except exclusions.ExclusionError as error:
        messages.error(request, error.user_message)
    else:
        messages.success(request, f"{entry.value} is on the list.")
    return redirect("role", request.workspace.slug, found.uuid)
