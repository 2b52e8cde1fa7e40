"""API keys of the workspace, for admins: list, make (shown once), revoke."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from integrations import api_keys as keys
from integrations.forms import ApiKeyForm
from workspaces import access


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.admin
def api_keys(request: HttpRequest, slug: str) -> HttpResponse:
    """List the keys; POST makes one and shows it on the answer, the only time ever."""
    form = ApiKeyForm(request.POST or None)
    new_key = None
    if form.is_valid():
        _, new_key = keys.create(request.workspace, form.cleaned_data["name"], request.user)
        form = ApiKeyForm()
    context = {"form": form, "new_key": new_key, "keys": keys.keys_of(request.workspace)}
    return render(request, "integrations/api_keys.html", context)


@require_POST
@access.admin
def api_key_revoke(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """End a key at once."""
    key = get_object_or_404(request.workspace.api_keys, uuid=uuid)
    keys.revoke(key, request.user)
    messages.success(request, f"The key “{key.name}” is revoked.")
    return redirect("api_keys", slug)
