"""Callbacks that must be refused without a request to the token endpoint, and pages that are not the trip's own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from integrations.connections import connection_of
from integrations.models import Connection, PendingGrant, SalesforceOrg
from integrations.trips import digest
from tests.integrations.journeys import BEN, SYNC, Journey
from tests.integrations.test_sign_in import live_grants, token_requests
from tests.people import log_in
from workspaces import members
from workspaces.models import Membership, Workspace


@dataclass(frozen=True, slots=True)
class Callback:
    """A way back from Salesforce that Ben's browser could go."""

    journey: Journey
    path: str
    params: dict[str, str]

    def visit(self, browser: Journey | None = None, issuer: str = "production", **other: str | None) -> HttpResponse:
        """Go it, or another one: with other parameters (None: without), in another browser."""
        params = {key: value for key, value in (self.params | other).items() if value is not None}
        path = self.path.replace("production", issuer)
        return (browser or self.journey).client.get(f"{path}?{urlencode(params)}")


@pytest.fixture
def new_callback(org: SalesforceOrg, bens_browser: Journey) -> Callable[[], Callback]:
    """Send Ben to Salesforce and let him sign in."""

    def sign_in() -> Callback:
        back = urlsplit(bens_browser.sign_in(bens_browser.leave(), BEN))
        return Callback(bens_browser, back.path, {key: values[0] for key, values in parse_qs(back.query).items()})

    return sign_in


@pytest.fixture
def callback(new_callback: Callable[[], Callback]) -> Callback:
    return new_callback()


@pytest.fixture
def elsewhere(globex: Workspace, ben_member: Membership) -> Workspace:
    """Another workspace, in which Ben is a member too."""
    return members.add(globex, ben_member.user).workspace


def come_late(callback: Callback) -> HttpResponse:
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        return callback.visit()


def come_into(workspace: Workspace, callback: Callback) -> HttpResponse:
    """As if the trip had begun in another workspace of the same person."""
    rows = PendingGrant.objects.filter(state_digest=digest(callback.params["state"]))
    assert rows.update(workspace=workspace) == 1
    return callback.visit()


def test_eight_callbacks_are_refused_and_ask_for_no_token(
    new_callback: Callable[[], Callback],
    bens_browser: Journey,
    adas_browser: Journey,
    ben_member: Membership,
    elsewhere: Workspace,
    figure: Callable[[str], None],
) -> None:
    other_session = Journey(log_in(ben_member.user), bens_browser.stand_in, bens_browser.slug)
    forged: dict[str, Callable[[Callback], HttpResponse]] = {
        "missing": lambda callback: callback.visit(state=None),
        "wrong": lambda callback: callback.visit(state="0" * 64),
        "used twice": lambda callback: callback.visit(),
        "expired": come_late,
        "another session": lambda callback: callback.visit(other_session),
        "another user": lambda callback: callback.visit(adas_browser),
        "another workspace": lambda callback: come_into(elsewhere, callback),
        "another issuer": lambda callback: callback.visit(issuer="sandbox"),
    }
    statuses, asked = {}, 0
    for name, forge in forged.items():
        callback = new_callback()
        if name == "used twice":
            assert callback.visit().status_code == 302
        before = token_requests(bens_browser)
        statuses[name] = forge(callback).status_code
        asked += token_requests(bens_browser) - before
        assert not Connection.objects.filter(salesforce_user__email=BEN).exists(), name

    figure(f"OAuth negatives: {len(statuses)} refused, {asked} token requests")
    leads_back = {"used twice": 302, "expired": 302}  # to the card, which says why
    assert statuses == dict.fromkeys(forged, 400) | leads_back
    assert (len(statuses), asked) == (8, 0)


def test_the_last_of_the_eight_would_have_been_good(callback: Callback, bens_browser: Journey) -> None:
    before = token_requests(bens_browser)

    bens_browser.confirm(callback.visit())

    assert token_requests(bens_browser) == before + 1
    assert live_grants(bens_browser) == [BEN, SYNC]


def test_used_twice_leads_back_and_asks_for_no_token(callback: Callback, bens_browser: Journey) -> None:
    first = callback.visit()
    before = token_requests(bens_browser)

    assert callback.visit().url == first.url
    bens_browser.confirm(first)
    assert callback.visit().url == bens_browser.url("integrations")
    assert token_requests(bens_browser) == before
    assert live_grants(bens_browser) == [BEN, SYNC], "a reload revokes nothing"


def test_the_card_says_that_it_took_too_long(callback: Callback, bens_browser: Journey) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        callback.visit()
        assert "Salesforce did not send you back within 10 minutes" in bens_browser.page("integrations")


def test_refused_once_the_person_has_left_the_workspace(
    callback: Callback, bens_browser: Journey, ben_member: Membership, elsewhere: Workspace, ada_member: Membership
) -> None:
    before = token_requests(bens_browser)
    members.remove(ben_member, by=ada_member.user)

    assert callback.visit().status_code == 302
    assert token_requests(bens_browser) == before
    assert not Connection.objects.filter(salesforce_user__email=BEN).exists()


@pytest.mark.parametrize("issuer", ["sandbox", "custom"])
def test_a_code_is_refused_at_the_callback_of_another_issuer(
    callback: Callback, bens_browser: Journey, issuer: str
) -> None:
    before = token_requests(bens_browser)

    assert callback.visit(issuer=issuer).status_code == 400
    assert token_requests(bens_browser) == before


# --- The pages of a trip belong to it ----------------------------------------------------------------------


def test_the_confirm_page_belongs_to_the_session_that_began(
    callback: Callback, ben_member: Membership, adas_browser: Journey
) -> None:
    arrived = callback.visit()
    other_session = log_in(ben_member.user)

    assert other_session.post(arrived.url).status_code == 404
    assert adas_browser.client.post(arrived.url).status_code == 404
    assert connection_of(ben_member) is None


def test_the_pages_of_a_trip_are_not_in_another_workspace(
    callback: Callback, bens_browser: Journey, ben_member: Membership, elsewhere: Workspace
) -> None:
    pages = ["salesforce_waiting", "salesforce_confirm", "salesforce_cancel"]

    def visit_elsewhere() -> list[int]:
        urls = [reverse(page, args=[elsewhere.slug, PendingGrant.objects.latest("pk").uuid]) for page in pages]
        gets = [bens_browser.client.get(url).status_code for url in urls[:2]]
        return gets + [bens_browser.client.post(url).status_code for url in urls[1:]]

    before = token_requests(bens_browser)
    assert visit_elsewhere() == [404, 404, 404, 404]
    assert token_requests(bens_browser) == before

    arrived = callback.visit()
    assert visit_elsewhere() == [404, 404, 404, 404]
    assert not Connection.objects.filter(salesforce_user__email=BEN).exists()
    bens_browser.confirm(arrived)
    assert connection_of(ben_member).workspace == ben_member.workspace
    assert live_grants(bens_browser) == [BEN, SYNC]


def test_a_trip_ends_where_it_began_whatever_workspace_was_opened_meanwhile(
    callback: Callback, bens_browser: Journey, ben_member: Membership, elsewhere: Workspace
) -> None:
    assert bens_browser.client.get(reverse("integrations", args=[elsewhere.slug])).status_code == 200

    arrived = callback.visit()

    assert arrived.url == bens_browser.url("salesforce_confirm", PendingGrant.objects.latest("pk").uuid)
    bens_browser.confirm(arrived)
    assert [each.workspace for each in Connection.objects.filter(membership__user=ben_member.user)] == [
        ben_member.workspace
    ]
