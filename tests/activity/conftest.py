"""Ben, connected to the stand-in, in a workspace whose Sync User reads and whose role is confirmed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings
from time_machine import TimeMachineFixture

from activity.settings import confirm
from integrations import api_keys
from integrations.connections import connection_of, live_org
from integrations.models import Connection, Intent, SalesforceOrg
from tests.activity.reports import Post, Report
from tests.activity.stories import connect
from tests.integrations.journeys import BEN, SYNC
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, Workspace


@pytest.fixture
def salesforce(db: None, stand_in: TestedStandIn, settings: Settings) -> TestedStandIn:
    """The stand-in, and our settings pointing at it."""
    settings.SALESFORCE_LOGIN_URL = stand_in.login_url
    settings.SALESFORCE_SANDBOX_LOGIN_URL = stand_in.sandbox_login_url
    settings.SALESFORCE_EXTRA_HOSTS = frozenset(stand_in.extra_hosts)
    settings.SALESFORCE_CA_BUNDLE = stand_in.ca_bundle
    return stand_in


@pytest.fixture
def org(salesforce: TestedStandIn, ada_member: Membership) -> SalesforceOrg:
    """Acme's organisation with a Sync User of its own; the role's switches are confirmed."""
    workspace = ada_member.workspace
    workspace.own_domains = ["acme.example"]
    workspace.save()
    connect(salesforce, ada_member, SYNC, Intent.SYNC_USER)
    confirm(ada_member.role, {}, ada_member.user)
    found = live_org(workspace)
    assert found is not None
    return found


@pytest.fixture
def bens_connection(salesforce: TestedStandIn, org: SalesforceOrg, ben_member: Membership) -> Connection:
    """Ben's own connection."""
    connect(salesforce, ben_member, BEN, Intent.MEMBER)
    found = connection_of(ben_member)
    assert found is not None
    return found


@pytest.fixture
def acme_with_domain(acme: Workspace) -> Workspace:
    """Acme with its own domain, before anybody connected anything."""
    acme.own_domains = ["acme.example"]
    acme.save()
    return acme


@pytest.fixture
def key(acme_with_domain: Workspace, ada_member: Membership) -> str:
    """A key of Acme's."""
    return api_keys.create(acme_with_domain, "script", ada_member.user)[1]


@pytest.fixture
def post(key: str) -> Post:
    """Post a body (JSON, or bytes as they are) with the key."""

    def send(body: Any, **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else json.dumps(body)
        headers = {"Authorization": f"Bearer {key}"} | headers
        content_type = headers.pop("Content_Type", "application/json")
        return Client().post("/api/v1/activities", data, content_type=content_type, headers=headers)

    return send


@pytest.fixture
def report_items(post: Post) -> Report:
    """Post items; their results."""

    def send(*items: Any) -> list[dict[str, Any]]:
        answer = post({"activities": list(items)})
        assert answer.status_code == 202, answer.content
        return answer.json()["results"]

    return send


class Clock:
    """The time of the whole process, the stand-in's included."""

    def __init__(self, traveller: TimeMachineFixture) -> None:
        self.traveller = traveller
        self.now = datetime.now(UTC)

    def advance(self, **duration: float) -> None:
        """Let time pass."""
        self.now = datetime.now(UTC) + timedelta(**duration)
        self.traveller.move_to(self.now)


@pytest.fixture
def clock(time_machine: TimeMachineFixture) -> Clock:
    """Time that passes when the test says so."""
    return Clock(time_machine)
