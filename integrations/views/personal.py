"""Personal › Integrations: the Salesforce card and its buttons."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from integrations import notices, permission_set
from integrations.calendar_card import calendar_card
from integrations.cards import CardState, card_of, salesforce_pages
from integrations.connections import connection_of, disconnect
from integrations.forms import DoorForm
from integrations.mailbox_card import mailbox_card
from integrations.views.checks import check_again
from workspaces import access


@require_safe
@access.member
def integrations(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the card in the state that it is in."""
    card = card_of(request.membership)
    context = {
        "card": card,
        "door": DoorForm(),
        "salesforce_pages": salesforce_pages(),
        "mailbox_card": mailbox_card(request.membership),
        "calendar_card": calendar_card(request.membership),
    }
    return render(request, "integrations/integrations.html", context)


@require_safe
@access.member
def salesforce_revocations(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of the card that tells how the end of a grant goes, for a page that is open."""
    return render(request, "integrations/_revocations.html", {"card": card_of(request.membership)})


@require_POST
@access.member
def salesforce_ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask the admins, by e-mail and once a day, for the plan or the Sync User."""
    state = card_of(request.membership).state
    what = {CardState.NO_PLAN: "plan", CardState.NO_SYNC_USER: "sync_user"}.get(state)
    if what and notices.ask_admins(request.membership, what):
        messages.success(request, "Your workspace admins have got an e-mail.")
    elif what:
        messages.info(request, "You asked today already. You can ask again tomorrow.")
    return redirect("integrations", slug)


@require_POST
@access.member
def salesforce_check(request: HttpRequest, slug: str) -> HttpResponse:
    """Check the permissions of the own connection again."""
    connection = connection_of(request.membership)
    if connection:
        check_again(request, connection)
    return redirect("integrations", slug)


@require_POST
@access.member
def salesforce_disconnect(request: HttpRequest, slug: str) -> HttpResponse:
    """End the own connection; what waits is kept."""
    connection = connection_of(request.membership)
    if connection:
        disconnect(connection, by=request.user)
        messages.success(request, "Salesforce is disconnected. What waits is kept.")
    return redirect("integrations", slug)


@require_safe
@access.member
def salesforce_permission_set(request: HttpRequest, slug: str) -> HttpResponse:
    """Download the permission set for the Salesforce admin."""
    response = HttpResponse(permission_set.to_xml(), content_type="application/xml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{permission_set.FILE_NAME}"'
    return response
