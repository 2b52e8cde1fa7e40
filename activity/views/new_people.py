"""Creating a Contact or Lead for an unresolved address."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from activity.addresses import NOTHING_WAITS
from activity.forms.new_people import AddressForm, PersonForm
from activity.models import CreationState, PersonCreation
from activity.new_people.create import AlreadyThereError, Wanted, create_person
from activity.new_people.names import guess_company, split_name
from activity.new_people.possible import (
    KINDS,
    CreationError,
    find_existing,
    find_way,
    preferred_kind,
    read_describe,
)
from activity.queries.unresolved import display_name, unresolved_jobs
from workspaces.access import member

OPEN = (
    "Salesforce has not answered yet, so nobody knows whether the {kind} was created. Touchline looks for it in the "
    "next minutes and logs what waits for {address} when it is there. Until then nothing else is created."
)


@require_http_methods(["GET", "HEAD", "POST"])
@member
def unresolved_create(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, and its answer: who was created, who is there already, or why not."""
    asked = AddressForm(request.POST if request.method == "POST" else request.GET)
    if not asked.is_valid():
        messages.error(request, NOTHING_WAITS)
        return redirect("unresolved", slug)
    address = asked.cleaned_data["address"]
    kind = asked.cleaned_data["kind"] or preferred_kind(request.membership)
    if request.method == "POST":
        return _create(request, slug, address, kind)
    if not unresolved_jobs(request.membership, address).exists():
        messages.error(request, NOTHING_WAITS)
        return redirect("unresolved", slug)
    return _show(request, address, kind, _first_form(request, address, kind), _find_obstacle(request, address, kind))


def _create(request: HttpRequest, slug: str, address: str, kind: str) -> HttpResponse:
    form = PersonForm(request.POST, kind=kind)
    if not form.is_valid():
        return _show(request, address, kind, form)
    data = form.cleaned_data
    token = data.pop("token")
    is_known = PersonCreation.objects.filter(uuid=token).exists()
    if not is_known and not unresolved_jobs(request.membership, address).exists():
        messages.error(request, NOTHING_WAITS)
        return redirect("unresolved", slug)
    wanted = Wanted(kind=kind, anyway="anyway" in request.POST, **data)
    try:
        creation = create_person(request.membership, address, wanted, token)
    except CreationError as error:
        again = PersonForm({**data, "token": uuid.uuid4()}, kind=kind)
        return _show(request, address, kind, again, error)
    _tell(request, creation, wanted)
    return redirect("unresolved", slug)


def _tell(request: HttpRequest, creation: PersonCreation, wanted: Wanted) -> None:
    if creation.state == CreationState.CREATED:
        name = f"{wanted.name} is a {creation.kind} in Salesforce now"
        messages.success(request, f"{name}. What waits for {creation.address} is logged.")
    elif creation.state == CreationState.OPEN:
        messages.warning(request, OPEN.format(kind=creation.kind, address=creation.address))
    elif creation.state == CreationState.REMOVED:
        messages.warning(
            request, f"The {creation.kind} was created, and somebody has deleted it in Salesforce since."
        )
    else:
        messages.warning(request, f"The {creation.kind} never reached Salesforce. You can create it again.")


def _first_form(request: HttpRequest, address: str, kind: str) -> PersonForm:
    name = split_name(display_name(request.membership, address), address)
    known = {"first_name": name.first, "last_name": name.last, "company": guess_company(address)}
    return PersonForm(initial={"token": uuid.uuid4(), **known}, kind=kind)


def _find_obstacle(request: HttpRequest, address: str, kind: str) -> CreationError | None:
    """What stands in the way is said before anything is filled in."""
    open_ones = request.workspace.person_creations.filter(address=address, state=CreationState.OPEN)
    creation = open_ones.first()
    if creation is not None:
        return CreationError(OPEN.format(kind=creation.kind, address=address))
    try:
        way = find_way(request.membership, address)
        read_describe(way, kind)
        found = find_existing(way.client, address)
    except CreationError as error:
        return error
    return AlreadyThereError(found) if found else None


def _show(
    request: HttpRequest, address: str, kind: str, form: PersonForm, error: CreationError | None = None
) -> HttpResponse:
    slug = request.workspace.slug
    here = reverse("unresolved_create", args=[slug])
    context: dict[str, Any] = {
        "address": address,
        "kind": kind,
        "kinds": KINDS,
        "form": form,
        "error": error,
        "candidates": getattr(error, "candidates", ()),
        "unseen": getattr(error, "unseen", 0),
        "may_save": getattr(error, "may_save", False),
        # Before anything was filled in an obstacle leaves nothing to fill in.
        "is_blocked": error is not None and not form.is_bound,
        "here": here,
        "unresolved_url": reverse("unresolved", args=[slug]),
    }
    return render(request, "activity/create_person.html", context)
