"""The trip to Salesforce and back: leave, wait, callback, confirm."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from integrations import gates, grants, preflight, sign_in, trials, trips
from integrations.cards import salesforce_pages
from integrations.connect_errors import ConnectError, UsedBefore
from integrations.connections import live_org
from integrations.forms import DoorForm
from integrations.models import Intent, Issuer, PendingGrant
from workspaces import access
from workspaces.members import verified_addresses


@require_POST
@access.member
def salesforce_begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin a member's trip and lead to the page with the link to Salesforce."""
    form = DoorForm(request.POST)
    form.is_valid()
    issuer, my_domain = gates.door_of(request.membership)
    if form.cleaned_data.get("my_domain"):
        issuer, my_domain = Issuer.CUSTOM, form.cleaned_data["my_domain"]
    elif live_org(request.workspace) is None and form.cleaned_data.get("issuer"):
        issuer = Issuer(form.cleaned_data["issuer"])
    return leave(request, Intent.MEMBER, issuer, my_domain)


def leave(request: HttpRequest, intent: Intent, issuer: Issuer, my_domain: str | None) -> HttpResponse:
    """Open the trip; a refusal is said on the page where the person came from."""
    try:
        trials.take(request.user)
        pending, _ = sign_in.begin(
            request.user, request.workspace, request.session.session_key, intent, issuer, my_domain
        )
    except (ConnectError, trials.TooMany) as error:
        messages.error(request, error.problem.sentence if isinstance(error, ConnectError) else error.user_message)
        return redirect(page_of(intent), request.workspace.slug)
    return redirect("salesforce_waiting", request.workspace.slug, pending.uuid)


def page_of(intent: str) -> str:
    """The page where a trip of this intent begins and ends."""
    return "integrations" if intent == Intent.MEMBER else "workspace_integrations"


@never_cache
@require_safe
@access.member
def salesforce_waiting(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """“Finish signing in at Salesforce”: a plain link leads there, and here stands what Salesforce may say."""
    pending = _own_trip(request, uuid)
    if pending.used_at and not pending.ended_at:
        return redirect("salesforce_confirm", slug, pending.uuid)
    if not pending.is_open:
        return redirect(page_of(pending.intent), slug)
    try:
        authorize_url = sign_in.authorize_url_of(pending, request.session.session_key)
    except ConnectError as error:
        messages.error(request, error.problem.sentence)
        return redirect(page_of(pending.intent), slug)
    context = {
        "pending": pending,
        "authorize_url": authorize_url,
        "back_to": page_of(pending.intent),
        "salesforce_pages": salesforce_pages(),
    }
    return render(request, "integrations/waiting.html", context)


def _own_trip(request: HttpRequest, uuid: str) -> PendingGrant:
    """The person's own trip, begun in this browser session; anything else is a 404."""
    pending = request.workspace.pending_grants.filter(uuid=uuid, user=request.user).first()
    session_digest = trips.digest(request.session.session_key or "")
    if pending is None or not constant_time_compare(pending.session_digest, session_digest):
        raise Http404
    return pending


@never_cache
@require_GET
@access.person
def salesforce_callback(request: HttpRequest, issuer: str) -> HttpResponse:
    """Where Salesforce sends the browser back; the one GET that changes something, guarded by the state."""
    try:
        pending = sign_in.complete(
            Issuer(issuer), request.GET.dict(), request.user, request.session.session_key or ""
        )
    except UsedBefore as error:
        return _after_trip(error.pending)
    except ConnectError as error:
        if error.pending is None:
            return render(request, "integrations/sign_in_refused.html", {"problem": error.problem}, status=400)
        return redirect(page_of(error.pending.intent), error.pending.workspace.slug)
    return _after_trip(pending)


def _after_trip(pending: PendingGrant) -> HttpResponse:
    slug = pending.workspace.slug
    if pending.ended_at is None and pending.refresh_token_sealed:
        return redirect("salesforce_confirm", slug, pending.uuid)
    return redirect(page_of(pending.intent), slug)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.member
def salesforce_confirm(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """Show who was signed in where; POST: “Yes, this is me”."""
    pending = _own_trip(request, uuid)
    if request.method == "POST":
        return _confirm(request, pending)
    if not (pending.is_open and "user_id" in pending.grant):
        return redirect(page_of(pending.intent), slug)
    rows = preflight.rows_of(pending.preflight)
    context = {
        "pending": pending,
        "facts": pending.grant,
        "rows": rows,
        "failed_rows": [row for row in rows if row.fails and row.level == "needed"],
        "e_mail_differs": _e_mail_differs(request, pending),
        "org": live_org(request.workspace),
        "api_access": preflight.api_access(pending.grant["edition"]),
    }
    return render(request, "integrations/confirm.html", context)


def _e_mail_differs(request: HttpRequest, pending: PendingGrant) -> bool:
    """Whether a member seems to connect somebody else's Salesforce user."""
    addresses = verified_addresses(request.user) | {request.user.email}
    return pending.intent == Intent.MEMBER and pending.grant["email"].lower() not in addresses


def _confirm(request: HttpRequest, pending: PendingGrant) -> HttpResponse:
    try:
        connection = grants.confirm(pending, request.user)
    except ConnectError as error:
        messages.error(request, error.problem.sentence)
    else:
        messages.success(request, f"{connection.salesforce_user} of {connection.org} is connected.")
        if pending.intent == Intent.SYNC_USER and connection.org.connections.count() == 1:
            return redirect("roles_confirm", request.workspace.slug)  # the last step of the first time
    return redirect(page_of(pending.intent), request.workspace.slug)


@require_POST
@access.member
def salesforce_cancel(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """“No”: nothing is connected, and what was granted is revoked."""
    pending = _own_trip(request, uuid)
    grants.cancel(pending)
    messages.info(request, "Nothing was connected.")
    return redirect(page_of(pending.intent), slug)
