"""Several people, one Salesforce user, at once: exactly one wins, and everybody else's grant ends."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connections

from integrations.connections import client_for
from integrations.models import Connection, PendingGrant, SalesforceOrg
from integrations.salesforce.stand_in.oauth import Grant
from tests.integrations.journeys import BEN, Journey
from tests.integrations.test_sign_in import live_grants
from tests.people import log_in, make_person
from workspaces import members

PEOPLE = 4
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
SYNC = "sync@touchline.example"


@pytest.fixture
def four(org: SalesforceOrg, adas_browser: Journey) -> list[Journey]:
    people = [members.add(org.workspace, make_person(name)) for name in ("Dora", "Emil", "Fay", "Gus")]
    return [Journey(log_in(each.user), adas_browser.stand_in, org.workspace.slug) for each in people]


@dataclass
class Rounds:
    """What came of the rounds, counted at Salesforce."""

    rounds: int = 0
    winners_whose_token_works: int = 0
    losers_revoked: int = 0
    other_ends: int = 0

    def __str__(self) -> str:
        counts = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in vars(self).items())
        return f"four people after one Salesforce user: {counts}"


def test_of_four_racing_callbacks_one_wins_and_its_token_works(
    four: list[Journey], adas_browser: Journey, figure: Callable[[str], None]
) -> None:
    counted = Rounds()
    for _ in range(ROUNDS):
        grants_before = len(adas_browser.stand_in.oauth.grants)
        race(four)
        grants = adas_browser.stand_in.oauth.grants[grants_before:]
        count(counted, grants)
        assert live_grants(adas_browser) == [BEN, SYNC]
        assert PendingGrant.objects.filter(ended_at=None).count() == 0
        assert PendingGrant.objects.exclude(verifier_sealed="", refresh_token_sealed="").count() == 0
        winners_browser = next(each for each in four if "Connected" in each.page("integrations"))
        winners_browser.post("salesforce_disconnect")
        assert live_grants(adas_browser) == [SYNC]

    figure(str(counted))
    assert counted == Rounds(ROUNDS, ROUNDS, 3 * ROUNDS, 0)


def count(counted: Rounds, grants: list[Grant]) -> None:
    """Take the grants of a round: whoever's is kept must be able to call, and the others' must be over."""
    winner = Connection.objects.live().get(salesforce_user__email=BEN)
    assert winner.salesforce_user.person_id == winner.membership.user_id
    works = client_for(winner).organization().name == "Acme"
    kept = [grant for grant in grants if grant.is_live]
    revoked = sum(grant.ended_by == "revoked by the app" for grant in grants)
    counted.rounds += 1
    counted.winners_whose_token_works += works and len(kept) == 1
    counted.losers_revoked += revoked
    counted.other_ends += PEOPLE - revoked - len(kept)


def race(four: list[Journey]) -> None:
    """Everybody comes back from Salesforce and confirms at the same moment."""
    callbacks = [journey.sign_in(journey.leave(), BEN) for journey in four]
    barrier = threading.Barrier(len(four))
    errors: list[Exception] = []

    def run(journey: Journey, callback: str) -> None:
        try:
            barrier.wait()
            answer = journey.come_back(callback)
            if answer.url.endswith("/confirm/"):
                journey.confirm(answer)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in zip(four, callbacks, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
