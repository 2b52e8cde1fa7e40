"""Signing in at a mail provider: leave, and come back."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from integrations import connect_errors as problems
from integrations import mailbox_sign_in, trials, trips
from integrations.mailbox.errors import MailboxError
from integrations.mailbox_forms import MailboxSignInForm
from integrations.mailbox_providers import sign_in_provider
from integrations.models import MailboxAuth
from integrations.signals import mailbox_connected
from workspaces import access


@require_POST
@access.member
def mailbox_sign_in_begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin a trip to the provider that was chosen."""
    form = MailboxSignInForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
        return redirect("mailbox_connect", slug)
    values = form.cleaned_data
    try:
        trials.take(request.user)
        trip = mailbox_sign_in.begin(
            request.user,
            request.workspace,
            request.session.session_key,
            MailboxAuth(values["provider"]),
            values["address"].lower(),
            values["aliases"],
        )
    except (MailboxError, trials.TooMany) as error:
        messages.error(request, error.user_message)
        return redirect("mailbox_connect", slug)
    return redirect("mailbox_sign_in", slug, trip.uuid)


@never_cache
@require_safe
@access.member
def mailbox_sign_in_leave(request: HttpRequest, slug: str, uuid: str) -> HttpResponse:
    """The page that goes on to the provider by itself. A form must not lead to another site, a page may."""
    trip = request.workspace.mailbox_sign_ins.filter(uuid=uuid, user=request.user).first()
    session_digest = trips.digest(request.session.session_key or "")
    if trip is None or not constant_time_compare(trip.session_digest, session_digest):
        raise Http404
    provider = sign_in_provider(MailboxAuth(trip.provider))
    if not trip.is_open or provider is None:
        return redirect("mailbox_connect", slug)
    url = mailbox_sign_in.authorize_url_of(trip, request.session.session_key)
    context = {"provider": provider, "address": trip.address, "authorize_url": url}
    return render(request, "integrations/mailbox_sign_in.html", context)


@never_cache
@require_GET
@access.person
def mailbox_callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Where a provider sends the browser back; a GET that changes something, guarded by the state."""
    auth, session_key = MailboxAuth(provider), request.session.session_key or ""
    try:
        mailbox = mailbox_sign_in.complete(auth, request.GET.dict(), request.user, session_key)
    except trips.TripUnknown:
        context = {"problem": problems.STATE_UNKNOWN}
        return render(request, "integrations/sign_in_refused.html", context, status=400)
    except trips.TripExpired as error:
        messages.error(request, problems.STATE_EXPIRED.sentence)
        return redirect("mailbox_connect", error.trip.workspace.slug)
    except trips.TripUsed as error:
        return redirect("integrations", error.trip.workspace.slug)
    except mailbox_sign_in.NotConnected as error:
        messages.error(request, str(error))
        return redirect("mailbox_connect", error.trip.workspace.slug)
    mailbox_connected.send(type(mailbox), mailbox=mailbox)
    messages.success(request, f"{mailbox.address} is connected. New mail is read from now on.")
    return redirect("integrations", mailbox.workspace.slug)
