"""An answer that repeats the secrets of its request: they are blotted out, and the rest is as it was said."""

import json
from collections.abc import Callable

import pytest

from integrations.salesforce import oauth, writes
from integrations.salesforce.calls import Calls
from integrations.salesforce.errors import SalesforceError
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import SalesforceSession, open_session, send
from tests.integrations.salesforce.raw_server import RawServer, answer

TOKEN = "00D000000000062!canary/token"
APP = oauth.App("key", "canary-client-secret")
TASK = {"attributes": {"type": "Task"}, "Subject": "Hello"}


def said_by(server: RawServer, call: Callable[[SalesforceSession], object]) -> str:
    """Salesforce's words in the error of a call."""
    with open_session(HostRule(frozenset({server.host}))) as session, pytest.raises(SalesforceError) as caught:
        call(session)
    return caught.value.salesforce_text


@pytest.mark.parametrize("shown", [TOKEN, "00D000000000062%21canary%2Ftoken"])
def test_the_token_of_a_call(shown: str) -> None:
    body = json.dumps([{"errorCode": "INVALID_FIELD", "message": f"No such token {shown}."}])
    with RawServer([answer(400, body)]) as server:
        said = said_by(server, lambda session: send(session, "GET", f"{server.url}/x", token=TOKEN))

    assert said == "No such token [secret]."


def test_the_token_in_the_result_of_a_row() -> None:
    fault = {"statusCode": "STRING_TOO_LONG", "message": f"{TOKEN} is too long", "fields": []}
    body = json.dumps([{"success": False, "errors": [fault]}])
    with RawServer([answer(200, body)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        (result,) = writes.create_many(Calls(server.url, TOKEN, session, "62.0"), [TASK])

    assert result.error.salesforce_text == "[secret] is too long"


def test_the_secrets_of_a_form() -> None:
    text = "bad client_secret=canary-client-secret with canary/refresh&token, canary%2Frefresh%26token, grant refresh"
    body = json.dumps({"error": "invalid_grant", "error_description": text})
    with RawServer([answer(400, body)]) as server:
        said = said_by(server, lambda session: oauth.refresh(session, server.url, APP, "canary/refresh&token"))

    assert said == "bad client_secret=[secret] with [secret], [secret], grant refresh"


def test_a_token_answer_may_hold_the_refresh_token_that_was_sent() -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "canary-refresh"}
    body = '{"refresh_token": "canary-refresh"}'
    with RawServer([answer(200, body)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        answered = send(session, "POST", f"{server.url}/x", data=form, write=True)

    assert answered.body == {"refresh_token": "canary-refresh"}
    assert "canary" not in repr(answered)
