"""The workspace as a whole: its name, own domains and how long the log is kept."""

from copy import copy
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from workspaces import access, audit
from workspaces.audit import Action
from workspaces.forms import GeneralForm


@require_http_methods(["GET", "POST"])
@access.admin
def workspace_general(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and save what an admin says of the workspace; the plan and the address are shown only."""
    # a copy, so that the page's frame shows the name that holds, not one that was refused
    form = GeneralForm(request.POST or None, instance=copy(request.workspace))
    if form.is_valid():
        _save(request, form)
        messages.success(request, "The workspace settings are saved.")
        return redirect("workspace_general", slug)
    return render(request, "workspaces/general.html", {"form": form})


@transaction.atomic
def _save(request: HttpRequest, form: GeneralForm) -> None:
    changes: dict[str, Any] = {name: [form.initial[name], form.cleaned_data[name]] for name in form.changed_data}
    if not changes:
        return
    form.instance.save(update_fields=list(changes))
    audit.record(
        Action.WORKSPACE_CHANGED,
        workspace=form.instance,
        actor=request.user,
        target=form.instance.name,
        details=changes,
    )
