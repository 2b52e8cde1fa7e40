"""A workspace before Salesforce's door: the stand-in in the settings, Ada and Ben with their browsers."""

import pytest
from pytest_django.fixtures import Settings

from integrations.connections import connection_of, live_org
from integrations.models import Connection, SalesforceOrg
from tests.integrations.journeys import ADA, BEN, Journey
from tests.people import log_in
from tests.stand_in_fixtures import TestedStandIn
from workspaces.models import Membership, Workspace


@pytest.fixture
def salesforce(transactional_db: None, stand_in: TestedStandIn, settings: Settings) -> TestedStandIn:
    """The stand-in, and our settings pointing at it."""
    settings.SALESFORCE_LOGIN_URL = stand_in.login_url
    settings.SALESFORCE_SANDBOX_LOGIN_URL = stand_in.sandbox_login_url
    settings.SALESFORCE_EXTRA_HOSTS = frozenset(stand_in.extra_hosts)
    settings.SALESFORCE_CA_BUNDLE = stand_in.ca_bundle
    return stand_in


@pytest.fixture
def adas_browser(salesforce: TestedStandIn, ada_member: Membership) -> Journey:
    return Journey(log_in(ada_member.user), salesforce, ada_member.workspace.slug)


@pytest.fixture
def bens_browser(salesforce: TestedStandIn, ben_member: Membership) -> Journey:
    return Journey(log_in(ben_member.user), salesforce, ben_member.workspace.slug)


@pytest.fixture
def org(adas_browser: Journey, acme: Workspace) -> SalesforceOrg:
    """Acme's organisation, with a Sync User of its own."""
    adas_browser.connect_sync_user()
    org = live_org(acme)
    assert org is not None
    return org


@pytest.fixture
def adas_connection(org: SalesforceOrg, adas_browser: Journey, ada_member: Membership) -> Connection:
    adas_browser.connect(ADA)
    return connection_of(ada_member)


@pytest.fixture
def bens_connection(org: SalesforceOrg, bens_browser: Journey, ben_member: Membership) -> Connection:
    bens_browser.connect(BEN)
    return connection_of(ben_member)
