"""Personal › Integrations: the calendar card's buttons and the steps to connect one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from integrations import calendars, trials
from integrations.calendar.errors import CalendarError
from integrations.calendar.providers import OTHER, guess, provider_of
from integrations.calendar_forms import CalendarAddressForm, CalendarForm, ChoiceForm
from workspaces import access


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@access.member
def calendar_connect(request: HttpRequest, slug: str) -> HttpResponse:
    """First the address, then the log-in, which is tested before anything is stored."""
    if request.method == "POST":
        form = CalendarForm(request.POST)
        if form.is_valid() and _connect(request, form):
            is_chosen = calendars.calendar_of(request.membership).collections.exists()
            rest = "Meetings are read from now on." if is_chosen else "Choose which of your calendars are read."
            messages.success(request, f"Your calendar account is connected. {rest}")
            return redirect("integrations" if is_chosen else "calendar_choose", slug)
        return _log_in_step(request, form)
    calendar = calendars.calendar_of(request.membership)
    asked = CalendarAddressForm(request.GET)
    if "address" in request.GET and asked.is_valid():
        return _propose(request, asked.cleaned_data["address"])
    if calendar is not None:
        return _log_in_step(request, CalendarForm(initial={"url": calendar.url, "user_name": calendar.user_name}))
    form = asked if "address" in request.GET else CalendarAddressForm(initial={"address": request.user.email})
    return render(request, "integrations/calendar_address.html", {"form": form})


def _propose(request: HttpRequest, address: str) -> HttpResponse:
    """The log-in at the provider of the address; some offer none."""
    provider = guess(address)
    if provider.offers_caldav or "elsewhere" in request.GET:
        url = provider.url if provider.offers_caldav else ""
        return _log_in_step(request, CalendarForm(initial={"url": url, "user_name": address}))
    context = {"provider": provider, "address": address}
    return render(request, "integrations/calendar_not_offered.html", context)


def _connect(request: HttpRequest, form: CalendarForm) -> bool:
    try:
        trials.take(request.user)
        calendars.connect(request.membership, form.log_in())
    except trials.TooMany as error:
        form.add_error(None, error.user_message)
        return False
    except CalendarError as error:
        form.add_error(None, error.user_message)
        if error.server_text:
            form.add_error(None, f"The server said: {error.server_text}")
        return False
    return True


def _log_in_step(request: HttpRequest, form: CalendarForm) -> HttpResponse:
    url = str(form["url"].value() or "")
    provider = provider_of(url) if url else OTHER
    return render(request, "integrations/calendar_connect.html", {"form": form, "provider": provider})


@require_http_methods(["GET", "POST"])
@access.member
def calendar_choose(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose which calendars of the account are read."""
    calendar = calendars.calendar_of(request.membership)
    if calendar is None:
        return redirect("integrations", slug)
    try:
        trials.take(request.user)
        found = calendars.list_collections(calendar)
    except (CalendarError, trials.TooMany) as error:
        messages.error(request, error.user_message)
        return redirect("integrations", slug)
    chosen = set(calendar.collections.values_list("url", flat=True))
    form = ChoiceForm(found, chosen, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        calendars.choose(calendar, form.cleaned_data["chosen"])
        messages.success(request, "The calendars are chosen. Of a new one, what is to come is read.")
        return redirect("integrations", slug)
    return render(request, "integrations/calendar_choose.html", {"form": form, "calendar": calendar})


@require_POST
@access.member
def calendar_try_again(request: HttpRequest, slug: str) -> HttpResponse:
    """Do not wait any longer: try now."""
    calendar = calendars.calendar_of(request.membership)
    if calendar is not None:
        calendars.try_again(calendar)
        messages.success(request, "Touchline tries again now.")
    return redirect("integrations", slug)


@require_POST
@access.member
def calendar_disconnect(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget the password."""
    calendar = calendars.calendar_of(request.membership)
    if calendar is not None:
        calendars.disconnect(calendar, by=request.user)
        messages.success(request, "Your calendar is disconnected and its password is forgotten.")
    return redirect("integrations", slug)
