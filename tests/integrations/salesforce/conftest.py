"""What tests of the protocol share: a session and a client against the stand-in."""

from collections.abc import Callable, Iterator

import pytest

from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import SalesforceSession, Usage, open_session
from tests.stand_in_fixtures import TestedStandIn

SYNC = "sync@touchline.example"


@pytest.fixture
def usages() -> list[Usage]:
    """Every usage that the session reported."""
    return []


@pytest.fixture
def salesforce_session(stand_in: TestedStandIn, usages: list[Usage]) -> Iterator[SalesforceSession]:
    rule = HostRule(frozenset(stand_in.extra_hosts))
    with open_session(rule, ca_bundle=stand_in.ca_bundle, on_usage=usages.append) as session:
        yield session


@pytest.fixture
def connect_as(stand_in: TestedStandIn, salesforce_session: SalesforceSession) -> Callable[[str], SalesforceClient]:
    """A client of the user with this e-mail."""

    def connect(email: str) -> SalesforceClient:
        answer = stand_in.connect(email)
        return SalesforceClient(answer["instance_url"], answer["access_token"], salesforce_session)

    return connect


@pytest.fixture
def sync_client(connect_as: Callable[[str], SalesforceClient]) -> SalesforceClient:
    """The integration's own user, who may do everything."""
    return connect_as(SYNC)
