"""Personal › Integrations: the mailbox card's buttons and the steps to connect one."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integrations import mailbox_backfills, mailboxes, trials
from integrations.mailbox.errors import MailboxError
from integrations.mailbox.providers import guess
from integrations.mailbox_forms import (
    BackfillForm,
    FoldersForm,
    MailboxAddressForm,
    MailboxForm,
    MailboxSignInForm,
)
from integrations.mailbox_providers import sign_in_providers
from integrations.models import Mailbox, MailboxAuth
from integrations.signals import mailbox_connected
from workspaces import access


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@access.member
def mailbox_connect(request: HttpRequest, slug: str) -> HttpResponse:
    """First the address, then the log-in, which is tested before anything is stored."""
    if request.method == "POST":
        form = MailboxForm(request.POST)
        if form.is_valid() and _connect(request, form):
            return redirect("integrations", slug)
        return _log_in_step(request, form)
    mailbox = mailboxes.mailbox_of(request.membership)
    asked = MailboxAddressForm(request.GET)
    if "address" in request.GET and asked.is_valid():
        return _log_in_step(request, MailboxForm(initial=_proposal(asked.cleaned_data["address"])))
    if mailbox is not None:
        return _log_in_step(request, MailboxForm(initial=_of_mailbox(mailbox)), mailbox)
    form = asked if "address" in request.GET else MailboxAddressForm(initial={"address": request.user.email})
    return render(request, "integrations/mailbox_address.html", {"form": form})


def _connect(request: HttpRequest, form: MailboxForm) -> bool:
    try:
        trials.take(request.user)
        mailbox = mailboxes.connect(request.membership, form.log_in())
    except trials.TooMany as error:
        form.add_error(None, error.user_message)
        return False
    except MailboxError as error:
        form.add_error(None, error.user_message)
        if error.server_text:
            form.add_error(None, f"The server said: {error.server_text}")
        return False
    mailbox_connected.send(type(mailbox), mailbox=mailbox)
    messages.success(request, f"{mailbox.address} is connected. New mail is read from now on.")
    return True


def _proposal(address: str) -> dict[str, str]:
    return {"address": address, "host": guess(address).host}


def _of_mailbox(mailbox: Mailbox) -> dict[str, str]:
    return {
        "address": mailbox.address,
        "host": mailbox.host if mailbox.port == 993 else f"{mailbox.host}:{mailbox.port}",
        "user_name": "" if mailbox.user_name == mailbox.address else mailbox.user_name,
        "aliases": ", ".join(mailbox.aliases),
    }


def _log_in_step(request: HttpRequest, form: MailboxForm, mailbox: Mailbox | None = None) -> HttpResponse:
    address = str(form["address"].value() or "")
    provider = guess(address)
    signed_in = mailbox is not None and mailbox.auth != MailboxAuth.PASSWORD
    keys = (mailbox.auth,) if signed_in else provider.sign_in
    context = {
        "form": form,
        "provider": provider,
        "address": address,
        "sign_in_providers": [each for auth, each in sign_in_providers().items() if auth in keys],
        "sign_in_form": MailboxSignInForm(initial=form.initial),
    }
    return render(request, "integrations/mailbox_connect.html", context)


@require_http_methods(["GET", "POST"])
@access.member
def mailbox_folders(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose which folders are read."""
    mailbox = mailboxes.mailbox_of(request.membership)
    if mailbox is None:
        return redirect("integrations", slug)
    try:
        trials.take(request.user)
        found = mailboxes.list_folders(mailbox)
    except (MailboxError, trials.TooMany) as error:
        messages.error(request, error.user_message)
        return redirect("integrations", slug)
    roles = dict(mailbox.folders.values_list("name", "role"))
    names = sorted((folder.name for folder in found), key=lambda name: (name not in roles, name.casefold()))
    form = FoldersForm(names, roles, request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not 0 < len(form.roles()) <= mailboxes.MOST_FOLDERS:
            form.add_error(None, f"Choose at least one folder and at most {mailboxes.MOST_FOLDERS}.")
        else:
            mailboxes.change_folders(mailbox, form.roles())
            messages.success(request, "The folders are chosen. A new one is read from what comes next.")
            return redirect("integrations", slug)
    return render(request, "integrations/mailbox_folders.html", {"form": form, "mailbox": mailbox})


@require_http_methods(["GET", "POST"])
@access.member
def mailbox_backfill(request: HttpRequest, slug: str) -> HttpResponse:
    """Older mail: count it, look at the count, take it up or not."""
    mailbox = mailboxes.mailbox_of(request.membership)
    if mailbox is None:
        return redirect("integrations", slug)
    today = timezone.localdate()
    form = BackfillForm(initial={"since": today - timedelta(days=30), "until": today})
    if request.method == "POST":
        form = BackfillForm(request.POST) if "since" in request.POST else form
        if _change_backfill(request, mailbox, form):
            return redirect("mailbox_backfill", slug)
    context = {"form": form, "mailbox": mailbox, "backfill": mailbox_backfills.last_backfill(mailbox)}
    return render(request, "integrations/mailbox_backfill.html", context)


def _change_backfill(request: HttpRequest, mailbox: Mailbox, form: BackfillForm) -> bool:
    if "run" in request.POST:
        mailbox_backfills.begin_logging(mailbox, with_personal="with_personal" in request.POST)
        return True
    if "stop" in request.POST:
        mailbox_backfills.stop(mailbox)
        return True
    if not form.is_bound or not form.is_valid():
        return False
    try:
        mailbox_backfills.begin_count(mailbox, form.cleaned_data["since"], form.cleaned_data["until"])
    except mailbox_backfills.BackfillError as error:
        form.add_error(None, error.user_message)
        return False
    return True


@require_safe
@access.member
def mailbox_backfill_live(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of the page that shows how far it is."""
    mailbox = mailboxes.mailbox_of(request.membership)
    backfill = mailbox_backfills.last_backfill(mailbox) if mailbox else None
    return render(request, "integrations/_mailbox_backfill.html", {"mailbox": mailbox, "backfill": backfill})


@require_POST
@access.member
def mailbox_try_again(request: HttpRequest, slug: str) -> HttpResponse:
    """Do not wait any longer: try now."""
    mailbox = mailboxes.mailbox_of(request.membership)
    if mailbox is not None:
        mailboxes.try_again(mailbox)
        messages.success(request, "Touchline tries again now.")
    return redirect("integrations", slug)


@require_POST
@access.member
def mailbox_disconnect(request: HttpRequest, slug: str) -> HttpResponse:
    """Close the connections and forget the password, or end the sign-in."""
    mailbox = mailboxes.mailbox_of(request.membership)
    if mailbox is not None:
        mailboxes.disconnect(mailbox, by=request.user)
        messages.success(request, f"{mailbox.address} is disconnected, and Touchline has forgotten how to open it.")
    return redirect("integrations", slug)
