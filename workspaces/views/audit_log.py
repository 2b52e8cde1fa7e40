"""The workspace's audit log."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from workspaces import access
from workspaces.audit import Action
from workspaces.audit_pages import detail_words, read_page
from workspaces.forms import AuditFilterForm


@require_safe
@access.admin
def audit_log(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what was done in the workspace, filtered by action and person."""
    form = AuditFilterForm(request.workspace, request.GET)
    form.is_valid()  # what cannot be understood is left out
    chosen = form.cleaned_data
    page = read_page(
        request.workspace,
        action=chosen.get("action", ""),
        person=chosen.get("person"),
        older_than=request.GET.get("older", ""),
        newer_than=request.GET.get("newer", ""),
    )
    titles = dict(Action.choices)
    rows = [
        {"entry": entry, "title": titles.get(entry.action, entry.action), "details": detail_words(entry.details)}
        for entry in page.entries
    ]
    return render(request, "workspaces/audit_log.html", {"form": form, "page": page, "rows": rows})
