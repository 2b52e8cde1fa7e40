"""What the org and the user are like."""

from collections.abc import Callable

import pytest

from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import ApiDisabled, UnexpectedAnswer
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import open_session
from integrations.salesforce.organization import Organization, TaskPriority, TaskStatus
from tests.integrations.salesforce.raw_server import RawServer, answer
from tests.stand_in_fixtures import TestedStandIn

ADA, SYNC = "ada@touchline.example", "sync@touchline.example"


def test_the_org(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    assert sync_client.organization() == Organization(
        id=stand_in.org.id,
        name="Acme",
        edition="Enterprise Edition",
        is_sandbox=False,
        instance=stand_in.org.rows("Organization")[0]["InstanceName"],
        time_zone="Europe/London",
        is_read_only=False,
        trial_expires=None,
    )


def test_a_sandbox_says_so(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    tokens = stand_in.connect(SYNC, sandbox=True)
    client = SalesforceClient(tokens["instance_url"], tokens["access_token"], sync_client.calls.session)

    assert (client.organization().is_sandbox, client.organization().name) == (True, "Acme Sandbox")


def test_task_values_are_the_orgs_own(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.org.set_task_statuses([("À traiter", False, True), ("Clôturée", True, False)])
    stand_in.org.set_task_priorities([("Haute", True, False), ("Normale", False, True)])

    assert sync_client.task_statuses() == [
        TaskStatus("À traiter", "À traiter", is_closed=False, is_default=True),
        TaskStatus("Clôturée", "Clôturée", is_closed=True, is_default=False),
    ]
    assert sync_client.task_priorities() == [
        TaskPriority("Haute", "Haute", is_default=False, is_high=True),
        TaskPriority("Normale", "Normale", is_default=True, is_high=False),
    ]


def test_permissions_are_the_users_own(
    stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient]
) -> None:
    stand_in.org.permit(ADA, "EditTask", False)
    names = ["PermissionsApiEnabled", "PermissionsEditTask", "PermissionsModifyAllData"]

    assert connect_as(ADA).permissions(names) == {
        "PermissionsApiEnabled": True,
        "PermissionsEditTask": False,
        "PermissionsModifyAllData": False,
    }
    assert set(connect_as(SYNC).permissions(names).values()) == {True}


@pytest.mark.parametrize(
    "names",
    [["PermissionsNope"], ["PermissionsNope", "PermissionsNever"], ["PermissionsNope", "PermissionsEditTask"]],
)
def test_unknown_permissions_are_none(sync_client: SalesforceClient, names: list[str]) -> None:
    expected = {name: True if name == "PermissionsEditTask" else None for name in names}

    assert sync_client.permissions(names) == expected


def test_no_permissions_cost_no_call(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    before = stand_in.org.usage.used

    assert sync_client.permissions([]) == {}
    assert stand_in.org.usage.used == before


def test_a_refusal_that_names_no_column_is_searched_by_halves() -> None:
    """Salesforce's words may change: then each unknown permission is found by asking for half of them."""

    refusal = answer(400, '[{"errorCode":"INVALID_FIELD","message":"one of these is not right"}]')

    def row(*names: str) -> bytes:
        columns = ",".join(f'"{name}":true' for name in names)
        return answer(200, f'{{"totalSize":1,"done":true,"records":[{{"attributes":{{}},{columns}}}]}}')

    scripts = [[refusal], [refusal], [refusal], [row("B")], [row("C", "D")]]
    with RawServer(*scripts) as server, open_session(HostRule(frozenset({server.host}))) as session:
        found = SalesforceClient(server.url, "t0ken", session).permissions(["A", "B", "C", "D"])

    assert found == {"A": None, "B": True, "C": True, "D": True}
    assert len(server.received) == 5


def test_an_org_without_api_says_so(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    stand_in.org.enable_api(False)

    with pytest.raises(ApiDisabled):
        sync_client.organization()


@pytest.mark.parametrize(
    "body",
    [
        '{"totalSize":0,"done":true,"records":[]}',
        '{"totalSize":1,"done":true,"records":[{"Id":"00D000000000001"}]}',
        '{"totalSize":1,"done":true,"records":[{"Id":"x","Name":"a","OrganizationType":"b","IsSandbox":false}]}',
        '{"totalSize":1,"done":true,"records":[5]}',
        '{"totalSize":1,"done":true}',
        "[]",
    ],
)
def test_an_org_that_is_none_is_refused(body: str) -> None:
    with RawServer([answer(200, body)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        client = SalesforceClient(server.url, "t0ken", session)
        with pytest.raises(UnexpectedAnswer):
            client.organization()
