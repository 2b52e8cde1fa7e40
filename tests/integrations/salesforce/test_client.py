"""The client as a whole."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integrations.salesforce.client import API_VERSION, SalesforceClient
from integrations.salesforce.errors import UnexpectedAnswer
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import Usage, open_session
from tests.integrations.salesforce.raw_server import RawServer, answer
from tests.stand_in_fixtures import TestedStandIn

ROOT = Path(__file__).resolve().parents[3]


def test_the_pinned_version_is_one_that_the_instance_speaks(sync_client: SalesforceClient) -> None:
    assert API_VERSION in sync_client.versions()


def test_versions_need_no_token_and_do_not_count(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.oauth.expire_access_tokens()
    before = stand_in.org.usage.used

    assert sync_client.versions()[-1] == "68.0"
    assert stand_in.org.usage.used == before


@pytest.mark.parametrize("body", ["[1]", '[{"label":"x"}]', "{}x", '{"a":1}', ""])
def test_versions_that_are_none(body: str) -> None:
    with RawServer([answer(200, body)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        client = SalesforceClient(server.url, "t0ken", session)
        with pytest.raises(UnexpectedAnswer):
            client.versions()


def test_limits_are_salesforces_own(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    limits = sync_client.limits()["DailyApiRequests"]

    assert limits["Max"] == 100_000
    assert limits["Max"] - limits["Remaining"] == stand_in.org.usage.used


def test_every_answer_reports_the_orgs_usage(
    stand_in: TestedStandIn, sync_client: SalesforceClient, usages: list[Usage]
) -> None:
    stand_in.org.set_api_limit(1_000, used=500)
    sync_client.organization()
    sync_client.find_people(["nora.west@northwindtraders.example"])

    assert usages == [Usage(501, 1_000), Usage(502, 1_000)]


def test_the_servers_clock_is_known_after_a_call(sync_client: SalesforceClient) -> None:
    assert sync_client.server_date is None
    sync_client.organization()

    assert abs(sync_client.server_date - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_client_shows_no_token(sync_client: SalesforceClient) -> None:
    assert "!" not in repr(sync_client) + repr(sync_client.calls)


def test_importing_the_package_is_cheap_and_needs_no_django() -> None:
    """simple-salesforce takes 0.6 s to import, which pages must not pay."""
    code = (
        "import sys; import integrations.salesforce.client, integrations.salesforce.oauth;"
        "print([name for name in ('simple_salesforce', 'zeep', 'django') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, timeout=60)

    assert done.stdout.decode().strip() == "[]"
