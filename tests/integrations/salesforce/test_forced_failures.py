"""Every call of the protocol, failed in every way: nothing that came out of it, or was logged, holds a secret."""

import importlib
import inspect
import logging
import pkgutil
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations import salesforce
from integrations.salesforce import http, lookups, oauth, organization, people, writes
from integrations.salesforce.calls import Calls
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import SalesforceError
from integrations.salesforce.http import SalesforceSession
from integrations.salesforce.stand_in.certificates import ensure_certificates
from tests.integrations.salesforce.hostile_answers import Place, hostile_places
from tests.stand_in_fixtures import TestedStandIn

ACCESS, REFRESH = "00D000000000062!canary.access_token", "5Aep861canary.refresh_token.0123456789"
APP = oauth.App("key", "canary-client-secret")
CODE, VERIFIER = "aPrx-canary-code", "canary-verifier"
SECRETS = (ACCESS, REFRESH, APP.client_secret, CODE, VERIFIER)

SINCE = datetime(2026, 5, 1, tzinfo=UTC)
CONTACT, USER, KEY = "003000000000001AAA", "005000000000001AAA", "a" * 26
TASK = {"attributes": {"type": "Task"}, "Subject": "Hello"}


@dataclass(frozen=True, slots=True)
class Door:
    """What a call needs."""

    base: str
    session: SalesforceSession

    @property
    def calls(self) -> Calls:
        return Calls(self.base, ACCESS, self.session, "62.0")

    @property
    def client(self) -> SalesforceClient:
        return SalesforceClient(self.base, ACCESS, self.session)


FORM = {"token": REFRESH, "client_secret": APP.client_secret, "code": CODE, "code_verifier": VERIFIER}
WINDOW = {"created_by": USER, "since": SINCE}

CALLS: dict[str, Callable[[Door], Any]] = {
    "http.SalesforceSession.request": lambda door: door.session.request(
        "GET", f"{door.base}/x", headers={"Authorization": f"Bearer {ACCESS}"}
    ),
    "http.send": lambda door: http.send(door.session, "POST", f"{door.base}/x", token=ACCESS, data=FORM, write=True),
    "oauth.exchange_code": lambda door: oauth.exchange_code(
        door.session, door.base, APP, "https://touchline.example/", CODE, VERIFIER
    ),
    "oauth.refresh": lambda door: oauth.refresh(door.session, door.base, APP, REFRESH),
    "oauth.revoke": lambda door: oauth.revoke(door.session, door.base, REFRESH),
    "oauth.fetch_identity": lambda door: oauth.fetch_identity(door.session, door.base, ACCESS),
    "calls.Calls.call": lambda door: door.calls.call("POST", "composite/sobjects", json={"a": 1}, write=True),
    "calls.Calls.query": lambda door: door.calls.query("SELECT Id FROM Task"),
    "calls.Calls.query_many": lambda door: door.calls.query_many(["SELECT Id FROM Task"]),
    "organization.read_organization": lambda door: organization.read_organization(door.calls),
    "organization.read_task_statuses": lambda door: organization.read_task_statuses(door.calls),
    "organization.read_task_priorities": lambda door: organization.read_task_priorities(door.calls),
    "organization.read_permissions": lambda door: organization.read_permissions(door.calls, ["PermissionsEditTask"]),
    "people.find_people": lambda door: people.find_people(door.calls, ["nora@customer.example"]),
    "people.read_people": lambda door: people.read_people(door.calls, [CONTACT]),
    "people.changes_since": lambda door: people.changes_since(door.calls, "Contact", SINCE),
    "people.find_open_opportunities": lambda door: people.find_open_opportunities(door.calls, [CONTACT]),
    "people.find_account_opportunities": lambda door: people.find_account_opportunities(door.calls, [CONTACT]),
    "lookups.find_by_key": lambda door: lookups.find_by_key(door.calls, "Task", [KEY], **WINDOW),
    "lookups.find_by_marker": lambda door: lookups.find_by_marker(door.calls, "Event", [KEY], **WINDOW),
    "lookups.find_created_people": lambda door: lookups.find_created_people(
        door.calls, "Contact", "nora@customer.example", **WINDOW
    ),
    "lookups.record_states": lambda door: lookups.record_states(door.calls, "Task", [CONTACT]),
    "lookups.read_descriptions": lambda door: lookups.read_descriptions(door.calls, "Task", [CONTACT]),
    "writes.create_many": lambda door: writes.create_many(door.calls, [TASK]),
    "writes.create_person": lambda door: writes.create_person(door.calls, "Lead", {"LastName": "West"}),
    "writes.update_many": lambda door: writes.update_many(door.calls, [TASK | {"Id": CONTACT}]),
    "writes.delete_many": lambda door: writes.delete_many(door.calls, [CONTACT]),
    "client.SalesforceClient.versions": lambda door: door.client.versions(),
    "client.SalesforceClient.organization": lambda door: door.client.organization(),
    "client.SalesforceClient.limits": lambda door: door.client.limits(),
    "client.SalesforceClient.describe": lambda door: door.client.describe("Task"),
    "client.SalesforceClient.task_statuses": lambda door: door.client.task_statuses(),
    "client.SalesforceClient.task_priorities": lambda door: door.client.task_priorities(),
    "client.SalesforceClient.permissions": lambda door: door.client.permissions(["PermissionsEditTask"]),
    "client.SalesforceClient.find_people": lambda door: door.client.find_people(["nora@customer.example"]),
    "client.SalesforceClient.find_open_opportunities": lambda door: door.client.find_open_opportunities([CONTACT]),
    "client.SalesforceClient.find_account_opportunities": lambda door: door.client.find_account_opportunities(
        [CONTACT]
    ),
    "client.SalesforceClient.read_people": lambda door: door.client.read_people([CONTACT]),
    "client.SalesforceClient.changes_since": lambda door: door.client.changes_since("Lead", SINCE),
    "client.SalesforceClient.create_many": lambda door: door.client.create_many([TASK]),
    "client.SalesforceClient.create_person": lambda door: door.client.create_person("Lead", {"LastName": "West"}),
    "client.SalesforceClient.update_many": lambda door: door.client.update_many([TASK | {"Id": CONTACT}]),
    "client.SalesforceClient.delete_many": lambda door: door.client.delete_many([CONTACT]),
    "client.SalesforceClient.find_by_key": lambda door: door.client.find_by_key("Task", [KEY], **WINDOW),
    "client.SalesforceClient.find_by_marker": lambda door: door.client.find_by_marker("Event", [KEY], **WINDOW),
    "client.SalesforceClient.find_created_people": lambda door: door.client.find_created_people(
        "Contact", "nora@customer.example", **WINDOW
    ),
    "client.SalesforceClient.record_states": lambda door: door.client.record_states("Task", [CONTACT]),
    "client.SalesforceClient.read_descriptions": lambda door: door.client.read_descriptions("Event", [CONTACT]),
}
"""Each public call, once."""


def calls_of_the_protocol() -> set[str]:
    """All public functions that take a session or the calls of a client, and all public methods of those three."""
    found = set()
    for each in pkgutil.iter_modules(salesforce.__path__):
        if each.name in ("stand_in", "error_rows"):
            continue
        module = importlib.import_module(f"{salesforce.__name__}.{each.name}")
        for name, item in vars(module).items():
            if getattr(item, "__module__", "") != module.__name__ or name.startswith("_"):
                continue
            if inspect.isfunction(item) and takes_a_door(item):
                found.add(f"{each.name}.{name}")
            elif item in (Calls, SalesforceClient, SalesforceSession):
                methods = [key for key, value in vars(item).items() if inspect.isfunction(value) and key[0] != "_"]
                found |= {f"{each.name}.{name}.{method}" for method in methods}
    return found - {"http.SalesforceSession.get_redirect_target"}  # refuses, and calls nothing


def takes_a_door(function: Callable) -> bool:
    first = next(iter(inspect.signature(function).parameters.values()), None)
    return first is not None and first.annotation in (Calls, SalesforceSession)


def test_no_call_is_forgotten() -> None:
    assert set(CALLS) == calls_of_the_protocol()


@pytest.fixture(scope="module")
def places(stand_in_server: TestedStandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    other, _ = ensure_certificates(tmp_path_factory.mktemp("other-authority"))
    with hostile_places(str(stand_in_server.server_pem), stand_in_server.ca_bundle, str(other)) as servers:
        yield servers


def outcome_of(place: Place, call: Callable[[Door], Any]) -> Any:
    """The error, or what came back."""
    with place.open_session() as session:
        try:
            return call(Door(place.url, session))
        except SalesforceError as error:
            return error


def all_texts(outcome: Any) -> Iterator[str]:
    """Everything that can be seen of an outcome: texts, attributes, traceback and the errors behind it."""
    yield repr(outcome)
    yield str(outcome)
    if isinstance(outcome, BaseException):
        yield repr((outcome.args, vars(outcome)))
        yield "".join(traceback.format_exception(outcome))
        for behind in (outcome.__cause__, outcome.__context__):
            if behind is not None:
                yield from all_texts(behind)


def test_no_failed_call_shows_a_secret(
    places: dict[str, Place], caplog: pytest.LogCaptureFixture, figure: Callable[[str], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    leaks, failed = [], 0
    for kind, place in places.items():
        for name, call in CALLS.items():
            outcome = outcome_of(place, call)
            if isinstance(outcome, SalesforceError):
                failed += 1
                logging.getLogger("a.caller").error("failed: %s %r", outcome, outcome, exc_info=outcome)
            texts = [*all_texts(outcome), caplog.text]
            caplog.clear()
            leaks += [(kind, name) for secret in SECRETS if any(secret in text for text in texts)]

    figure(
        f"forced failures: {len(CALLS)} protocol calls × {len(places)} failures = {len(CALLS) * len(places)}, "
        f"{failed} ended in an error, {len(leaks)} showed a secret"
    )
    assert leaks == []
    assert failed > 0.9 * len(CALLS) * len(places)
