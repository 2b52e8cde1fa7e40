"""CRM & Live Feed: what a member decides about the own activities. Switches are saved when they are moved."""

import uuid as uuids
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from activity import own_settings
from activity.counts import count_up_to
from activity.exclusions import ExclusionError, add_personal, remove_personal
from activity.forms.exclusions import ExclusionForm
from activity.models import Kind
from activity.settings import SWITCHES
from activity.views.tabs import crm_tabs
from integrations.connections import connection_of
from integrations.mailboxes import mailbox_of
from workspaces.access import member

NO_MAILBOX = (
    "No mailbox is connected yet, so Touchline knows of the messages that your other programs report to it. "
    "With this switch on, those that were not sent with Touchline are logged too."
)
WITH_MAILBOX = "Touchline reads your mailbox {address}: mail that you send or receive with any program is logged."


@require_GET
@member
def crm_and_live_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """The page."""
    context = {
        "tabs": crm_tabs(request),
        "is_connected": connection_of(request.membership) is not None,
        "never_log": request.membership.never_log.order_by("kind", "value"),
        "exclusion_form": ExclusionForm(),
    }
    return render(request, "activity/crm_and_live_feed.html", context | _switches(request))


@require_POST
@member
def crm_sync_all(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch *Sync all messages* on or off at once."""
    if "sync_all_messages" in request.POST:
        return _switch_on(request)
    unsent = count_up_to(own_settings.unsent_mail(request.membership))
    wish = request.POST.get("unsent")
    if unsent.number and wish not in ("keep", "drop"):
        return render(
            request,
            "activity/_sync_all.html" if request.htmx else "activity/sync_all_off.html",
            _switches(request) | {"unsent": unsent, "is_asking": True},
        )
    own_settings.save_sync_all(request.membership, False)
    if wish == "drop":
        own_settings.drop_unsent_mail(request.membership)
    return _answer(request, "sync_all", "Off from now on.")


def _switch_on(request: HttpRequest) -> HttpResponse:
    """Without a mailbox the switch leads to where one is connected."""
    own_settings.save_sync_all(request.membership, True)
    if mailbox_of(request.membership) is not None:
        return _answer(request, "sync_all", "On from now on.")
    target = reverse("mailbox_connect", args=[request.workspace.slug])
    return HttpResponseClientRedirect(target) if request.htmx else redirect(target)


@require_POST
@member
def crm_sharing(request: HttpRequest, slug: str) -> HttpResponse:
    """Share the own activities in the Live Feed, or not."""
    is_on = "share_in_feed" in request.POST
    own_settings.save_sharing(request.membership, is_on)
    return _answer(request, "sharing", "Teammates see them." if is_on else "Only you see them.")


@require_POST
@member
def crm_kinds(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose the kinds to log, or go back to the role's (`as_role`)."""
    chosen = {kind for kind in SWITCHES if kind.value in request.POST.getlist("kinds")}
    try:
        own_settings.save_own_kinds(request.membership, None if "as_role" in request.POST else chosen)
    except own_settings.NotYours as error:
        messages.error(request, error.user_message)
        return redirect("crm_and_live_feed", slug)
    return _answer(request, "kinds", "Saved. It holds for new activities.")


@require_POST
@member
def crm_never_log(request: HttpRequest, slug: str) -> HttpResponse:
    """Add an entry to the personal list."""
    form = ExclusionForm(request.POST)
    if form.is_valid():
        try:
            entry = add_personal(request.membership, form.cleaned_data["kind"], form.cleaned_data["value"])
        except ExclusionError as error:
            messages.error(request, error.user_message)
        else:
            messages.success(request, f"{entry.value} is never logged from now on.")
    else:
        messages.error(request, "Please write what is never to be logged.")
    return redirect("crm_and_live_feed", slug)


@require_POST
@member
def crm_never_log_remove(request: HttpRequest, slug: str, uuid: uuids.UUID) -> HttpResponse:
    """Take an entry off the personal list."""
    entry = get_object_or_404(request.membership.never_log, workspace=request.workspace, uuid=uuid)
    remove_personal(entry)
    messages.success(request, f"{entry.value} is off your list.")
    return redirect("crm_and_live_feed", slug)


def _switches(request: HttpRequest) -> dict[str, Any]:
    own = own_settings.own_settings_of(request.membership)
    of_role = own_settings.role_settings_of(request.membership)
    mailbox = mailbox_of(request.membership)
    has_own = of_role.members_manage_own and own.own_kinds is not None
    return {
        "own": own,
        "of_role": of_role,
        "has_own_kinds": has_own,
        "mailbox": mailbox,
        "sync_all_help": WITH_MAILBOX.format(address=mailbox.address) if mailbox else NO_MAILBOX,
        "kinds": [
            {
                "value": kind.value,
                "label": Kind(kind).label,
                "checked": kind.value in own.own_kinds if has_own else getattr(of_role, switch),
            }
            for kind, switch in SWITCHES.items()
        ],
    }


def _answer(request: HttpRequest, part: str, saved: str) -> HttpResponse:
    """For htmx the part of the page with its new state and an undo; without it the page."""
    if not request.htmx:
        messages.success(request, saved)
        return redirect("crm_and_live_feed", request.workspace.slug)
    return render(request, f"activity/_{part}.html", _switches(request) | {"saved": saved})
