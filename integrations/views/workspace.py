"""Workspace › Integrations: the Sync User, who is connected, and the use of the org's API. For admins."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from integrations import budget, preflight, sync_user
from integrations.cards import last_trip, problem_of, salesforce_pages
from integrations.connections import disconnect, live_org
from integrations.forms import ApiCapForm, DoorForm, MemberForm
from integrations.members_table import connections_of_members
from integrations.models import Connection, Intent, Issuer, SalesforceOrg
from integrations.sync_user import SyncUserError
from integrations.views.checks import check_again
from integrations.views.sign_in import leave
from workspaces import access
from workspaces.models import Membership


@require_safe
@access.admin
def workspace_integrations(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the Sync User, the organisation, its API use and the members' connections."""
    org = live_org(request.workspace)
    trip = last_trip(request.membership, [Intent.SYNC_USER, Intent.STAND_BY])
    rows = preflight.rows_of(org.sync_user.preflight) if org and org.sync_user else []
    context = {
        "org": org,
        "trip": trip,
        "rows": rows,
        "failed_rows": [row for row in rows if row.fails and row.level == "needed"],
        "api_access": preflight.api_access(org.edition) if org else "",
        "editions_help": preflight.EDITIONS_HELP,
        "consumption": budget.consumption(org) if org else None,
        "cap_form": ApiCapForm(initial={"percent": org.api_cap_percent}) if org else None,
        "people": connections_of_members(request.workspace, org),
        "door": DoorForm(initial={"issuer": Issuer.PRODUCTION.value}),
        "salesforce_pages": salesforce_pages(),
        **problem_of(trip),
    }
    return render(request, "integrations/workspace_integrations.html", context)


@require_POST
@access.admin
def sync_user_begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin the trip that connects a Sync User, or its stand-by (`post=stand_by`)."""
    form = DoorForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(text for texts in form.errors.values() for text in texts))
        return redirect("workspace_integrations", slug)
    intent = Intent.STAND_BY if request.POST.get("post") == Intent.STAND_BY else Intent.SYNC_USER
    issuer = Issuer(form.cleaned_data["issuer"] or Issuer.PRODUCTION)
    return leave(request, intent, issuer, form.cleaned_data["my_domain"])


@require_POST
@access.admin
def sync_user_assign(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the post to a member: at once when connected, else a letter asks them to connect."""

    try:
        member = _chosen_member(request)
        if sync_user.assign(member, request.user):
            messages.success(request, f"{member} is the Sync User now.")
        else:
            messages.success(request, f"{member} has got an e-mail and becomes the Sync User by connecting.")
    except SyncUserError as error:
        messages.error(request, str(error))
    return redirect("workspace_integrations", slug)


@require_POST
@access.admin
def sync_user_stand_by(request: HttpRequest, slug: str) -> HttpResponse:
    """Name a connected member as stand-by, or nobody (no member in the POST)."""

    def appoint(org: SalesforceOrg) -> str:
        if not request.POST.get("member"):
            sync_user.appoint_stand_by(org, None, request.user)
            return "There is no stand-by now."
        connection = _live_connection(request, membership=_chosen_member(request))
        sync_user.appoint_stand_by(org, connection, request.user)
        return f"{connection.salesforce_user} is the stand-by now."

    return _change(request, appoint)


@require_POST
@access.admin
def sync_user_promote(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the stand-by take over."""

    def promote(org: SalesforceOrg) -> str:
        if org.stand_by is None:
            raise SyncUserError("There is no stand-by.")
        sync_user.appoint(org, org.stand_by, request.user)
        return f"{org.stand_by.salesforce_user} is the Sync User now."

    return _change(request, promote)


@require_POST
@access.admin
def sync_user_disconnect(request: HttpRequest, slug: str) -> HttpResponse:
    """End the Sync User's connection; nobody new can connect until there is another."""

    def end(org: SalesforceOrg) -> str:
        if org.sync_user is None:
            raise SyncUserError("There is no Sync User.")
        disconnect(org.sync_user, by=request.user)
        return "The Sync User is disconnected. What waits is kept; connect another to go on."

    return _change(request, end)


@require_POST
@access.admin
def sync_user_check(request: HttpRequest, slug: str) -> HttpResponse:
    """Check the permissions of the Sync User again."""
    org = live_org(request.workspace)
    if org and org.sync_user:
        check_again(request, org.sync_user)
    return redirect("workspace_integrations", slug)


@require_POST
@access.admin
def api_cap(request: HttpRequest, slug: str) -> HttpResponse:
    """Save our own share of the org's daily API calls."""

    def save(org: SalesforceOrg) -> str:
        form = ApiCapForm(request.POST)
        if not form.is_valid():
            raise SyncUserError("The share is a whole number from 1 to 100.")
        sync_user.set_api_cap(org, form.cleaned_data["percent"], request.user)
        return "The share is saved."

    return _change(request, save)


def _change(request: HttpRequest, change: Callable[[SalesforceOrg], str]) -> HttpResponse:
    """Make one change to the workspace's org and say how it went; without an org nothing happens."""
    org = live_org(request.workspace)
    if org is not None:
        try:
            messages.success(request, change(org))
        except SyncUserError as error:
            messages.error(request, str(error))
    return redirect("workspace_integrations", request.workspace.slug)


def _chosen_member(request: HttpRequest) -> Membership:
    form = MemberForm(request.workspace, request.POST)
    if not form.is_valid():
        raise SyncUserError("Choose a member of the workspace.")
    return form.cleaned_data["member"]


def _live_connection(request: HttpRequest, membership: Membership) -> Connection:
    return get_object_or_404(
        request.workspace.connections.live().select_related("salesforce_user"),
        membership=membership,
    )
