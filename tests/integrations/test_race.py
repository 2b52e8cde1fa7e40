"""Several people, one Salesforce user, at once: exactly one wins, and everybody else's grant ends."""

import os
import threading

import pytest
from django.db import connections

from integrations.connections import client_for
from integrations.models import Connection, PendingGrant, SalesforceOrg
from tests.integrations.journeys import BEN, Journey
from tests.integrations.test_sign_in import live_grants
from tests.people import log_in, make_person
from workspaces import members

ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
SYNC = "sync@touchline.example"


@pytest.fixture
def four(org: SalesforceOrg, adas_browser: Journey) -> list[Journey]:
    people = [members.add(org.workspace, make_person(name)) for name in ("Dora", "Emil", "Fay", "Gus")]
    return [Journey(log_in(each.user), adas_browser.stand_in, org.workspace.slug) for each in people]


def test_of_four_racing_callbacks_one_wins_and_its_token_works(four: list[Journey], adas_browser: Journey) -> None:
    for _ in range(ROUNDS):
        race(four)
        winner = Connection.objects.live().get(salesforce_user__email=BEN)
        assert winner.salesforce_user.person_id == winner.membership.user_id
        assert client_for(winner).organization().name == "Acme"
        assert live_grants(adas_browser) == [BEN, SYNC]
        assert PendingGrant.objects.filter(ended_at=None).count() == 0
        assert PendingGrant.objects.exclude(verifier_sealed="", refresh_token_sealed="").count() == 0
        winners_browser = next(each for each in four if "Connected" in each.page("integrations"))
        winners_browser.post("salesforce_disconnect")
        assert live_grants(adas_browser) == [SYNC]


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
