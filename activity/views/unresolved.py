"""Unresolved: addresses that nobody in Salesforce has, or several people have."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from activity import addresses
from activity.exclusions import ExclusionError, add_personal
from activity.forms.exclusions import IgnoreForm
from activity.forms.relink import LinkForm, RelinkForm
from activity.forms.searches import UnresolvedForm
from activity.queries.unresolved import unresolved as read_unresolved
from activity.repair import RepairError
from activity.views.attempts import attempt
from workspaces.access import member


@require_GET
@member
def unresolved(request: HttpRequest, slug: str) -> HttpResponse:
    """The page; for htmx (another search) only the list."""
    form = UnresolvedForm(request.GET)
    search, after = form.cleaned_data.get("q", ""), form.cleaned_data.get("after")
    page = read_unresolved(request.membership, search, after)
    here = reverse("unresolved", args=[slug])
    query = {"q": search} if search else {}
    context = {
        "form": form,
        "page": page,
        "search": search,
        "relink_form": RelinkForm(),
        "unresolved_url": here,
        "log_url": reverse("activity_log", args=[slug]),
        "newest_url": f"{here}?{urlencode(query)}" if after else "",
        "older_url": f"{here}?{urlencode(query | {'after': page.older})}" if page.older else "",
    }
    return render(request, "activity/_unresolved.html" if request.htmx else "activity/unresolved.html", context)


@require_POST
@member
def unresolved_ignore(request: HttpRequest, slug: str) -> HttpResponse:
    """Never log this address, or its whole domain, for this member."""
    form = IgnoreForm(request.POST)
    try:
        if not form.is_valid():
            raise ExclusionError("Please choose an address or a domain.")
        entry = add_personal(request.membership, form.cleaned_data["kind"], form.cleaned_data["value"])
    except ExclusionError as error:
        messages.error(request, error.user_message)
    else:
        messages.success(request, f"{entry.value} is on your “Never log” list now.")
    return redirect("unresolved", slug)


@require_POST
@member
def unresolved_link(request: HttpRequest, slug: str) -> HttpResponse:
    """Log everything for an address to the Contact or Lead that the person chose."""
    form = LinkForm(request.POST)

    def link() -> str:
        if not form.is_valid():
            raise RepairError(form.first_error)
        data = form.cleaned_data
        addresses.link(request.membership, data["address"], data["person"])
        return f"Everything for {data['address']} goes to this person from now on."

    attempt(request, link)
    return redirect("unresolved", slug)


@require_POST
@member
def unresolved_retry(request: HttpRequest, slug: str) -> HttpResponse:
    """Look again whether Salesforce knows an address."""
    address = request.POST.get("address", "")

    def look() -> str:
        addresses.look_again(request.membership, address)
        return f"Touchline looks for {address} in Salesforce now."

    attempt(request, look)
    return redirect("unresolved", slug)
