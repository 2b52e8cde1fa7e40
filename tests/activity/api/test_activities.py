"""The requests as a whole: who may ask, what is understood, what is answered."""

import json
import random
import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from psycopg.errors import DeadlockDetected
from pytest_django.fixtures import Settings

from activity.models import Activity, Kind, SyncJob
from integrations import api_keys
from tests.activity.reports import Post, item, mail
from workspaces.models import Membership, User, Workspace

URL = "/api/v1/activities"


def problem(answer: Any) -> tuple[int, str, str]:
    """Status, media type and title; nothing was stored."""
    assert not Activity.objects.exists()
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, answer["Content-Type"], body["title"]


PROBLEM = "application/problem+json"


def test_an_activity_is_accepted(post: Post, ben: User) -> None:
    answer = post({"activities": [item()]})

    [activity] = Activity.objects.all()
    assert answer.status_code == 202
    assert answer.json() == {
        "results": [{"id": "1", "status": "accepted", "activity": str(activity.uuid), "errors": []}]
    }


def test_results_come_in_request_order(post: Post, ben: User) -> None:
    bad = item(id="bad", user="nobody@acme.example")
    items = [item(id="a"), bad, item(id="a"), item(id="b", message=mail(message_id="<m2@x.example>"))]

    results = post({"activities": items}).json()["results"]

    assert [(each["id"], each["status"]) for each in results] == [
        ("a", "accepted"),
        ("bad", "rejected"),
        ("a", "duplicate"),
        ("b", "accepted"),
    ]
    assert results[0]["activity"] == results[2]["activity"]
    assert "activity" not in results[1]


@pytest.mark.parametrize(
    ("authorization", "title"),
    [
        (None, "No valid key"),
        ("Bearer", "No valid key"),
        ("Bearer tl_wrong", "No valid key"),
        ("Basic dGw6", "No valid key"),
        ("Bearer tl_" + "x" * 43, "No valid key"),
    ],
)
def test_without_a_valid_key(db: None, authorization: str | None, title: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    answer = Client().post(URL, "{}", content_type="application/json", headers=headers)

    assert problem(answer) == (401, PROBLEM, title)
    assert answer["WWW-Authenticate"] == 'Bearer realm="Touchline"'


def test_a_revoked_key(acme: Workspace, ada_member: Membership, key: str, post: Post) -> None:
    api_keys.revoke(acme.api_keys.get(), ada_member.user)

    assert problem(post({"activities": [item()]})) == (401, PROBLEM, "No valid key")


def test_a_key_in_the_address_is_refused(key: str) -> None:
    answer = Client().post(f"{URL}?key={key}", "{}", content_type="application/json")

    assert problem(answer) == (400, PROBLEM, "Key in the address")


def test_plain_http_is_refused_where_people_use_https(post: Post, settings: Settings, ben: User) -> None:
    settings.BASE_URL = "https://touchline.example"

    assert problem(post({"activities": [item()]})) == (403, PROBLEM, "HTTPS required")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_other_methods(key: str, method: str) -> None:
    answer = getattr(Client(), method)(URL, headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_content(post: Post, content_type: str) -> None:
    assert problem(post(b"{}", Content_Type=content_type)) == (415, PROBLEM, "Not JSON")


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"\xff\xfe{}",
        b'{"activities": [NaN]}',
        b'{"activities": [Infinity]}',
        b"[" * 200_000,
        b'{"activities": [' + b"9" * 10_000 + b"]}",
        json.dumps({"activities": []}).encode("utf-16"),
    ],
)
def test_what_is_not_json(post: Post, body: bytes) -> None:
    assert problem(post(body)) == (400, PROBLEM, "Not JSON")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ({}, "Wrong shape"),
        ([], "Wrong shape"),
        ("activities", "Wrong shape"),
        (None, "Wrong shape"),
        ({"activities": {}}, "Wrong shape"),
        ({"activities": None}, "Wrong shape"),
        ({"activities": []}, "Wrong number"),
        ({"activities": [{}] * 501}, "Wrong number"),
    ],
)
def test_the_wrong_shape(post: Post, body: Any, title: str) -> None:
    assert problem(post(body)) == (422, PROBLEM, title)


def test_more_than_20_megabytes(post: Post) -> None:
    body = b'{"activities": []}' + b" " * (20 * 1024 * 1024)

    assert problem(post(body)) == (413, PROBLEM, "Too large")


def test_500_at_once(post: Post, ben: User) -> None:
    items = [item(id=str(n), message=mail(message_id=f"<{n}@x.example>")) for n in range(500)]

    results = post({"activities": items}).json()["results"]

    assert [(each["id"], each["status"]) for each in results] == [(str(n), "accepted") for n in range(500)]
    assert SyncJob.objects.count() == 500


def test_too_many_requests(post: Post, settings: Settings, ben: User) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    answers = [post({"activities": [item()]}) for _ in range(3)]

    assert [answer.status_code for answer in answers] in ([202, 202, 429], [202, 202, 202])
    if answers[-1].status_code == 429:  # the minute did not end meanwhile
        assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_a_key_sees_its_own_workspace_only(post: Post, cleo: User, ben: User) -> None:
    [result] = post({"activities": [item(user="cleo@globex.example")]}).json()["results"]

    assert result == {
        "id": "1",
        "status": "rejected",
        "errors": [{"path": "user", "message": "No member of this workspace has this verified address."}],
    }


def test_while_the_database_is_away(post: Post, ben: User, settings: Settings) -> None:
    with connection.execute_wrapper(refuse_connection):
        answer = post({"activities": [item()]})

    assert problem(answer) == (503, PROBLEM, "Try again")
    assert answer["Retry-After"] == "5"


def refuse_connection(*arguments: Any) -> None:
    """As psycopg does when the server is gone."""
    raise OperationalError("the connection is closed")


def test_two_requests_that_block_each_other_are_told_apart(post: Post, ben: User) -> None:
    """PostgreSQL ends one of two that wait for each other; it is tried again."""
    failures = iter([True])

    def deadlock(execute: Any, sql: str, *arguments: Any) -> Any:
        if "activity_ledgerentry" in sql and sql.lstrip().startswith("INSERT") and next(failures, False):
            raise OperationalError("deadlock detected") from DeadlockDetected()
        return execute(sql, *arguments)

    with connection.execute_wrapper(deadlock):
        answer = post({"activities": [item()]})

    assert [each["status"] for each in answer.json()["results"]] == ["accepted"]


# --- The description ----------------------------------------------------------------------------------------


@pytest.fixture
def description() -> dict[str, Any]:
    """The OpenAPI document, as anybody can read it."""
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def test_the_description_names_every_answer(db: None, description: dict[str, Any]) -> None:
    operation = description["paths"]["/api/v1/activities"]["post"]

    assert description["openapi"].startswith("3.1")
    assert set(operation["responses"]) == {"202", "400", "401", "403", "413", "415", "422", "429", "503"}
    assert description["components"]["securitySchemes"]["key"] == {"type": "http", "scheme": "bearer"}
    assert set(description["paths"]["/api/v1/activities"]) == {"post"}


def test_every_reference_of_the_description_leads_somewhere(db: None, description: dict[str, Any]) -> None:
    references = re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(description))

    assert set(references) <= description["components"]["schemas"].keys()
    assert {"ActivitiesIn", "ActivityIn", "MessageIn", "MeetingIn", "ResultsOut"} <= set(references)


def test_the_description_knows_the_fields(db: None, description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]

    assert set(schemas["ActivityIn"]["required"]) == {"id", "user", "type", "occurred_at"}
    assert set(schemas["ActivityIn"]["properties"]["type"]["enum"]) == set(Kind.values)
    assert "from" in schemas["MessageIn"]["properties"]
    assert schemas["ActivitiesIn"]["properties"]["activities"]["maxItems"] == 500


def test_ids_that_no_index_takes_cost_nothing(post: Post, ben: User) -> None:
    chance = random.Random(1)
    name = "".join(chr(chance.randrange(0x20000, 0x2A000)) for _ in range(998))
    times = {"start": "2026-11-24T09:30:00Z", "end": "2026-11-24T10:30:00Z"}
    items = [
        item(id="mail", message=mail(message_id=name)),
        item(id="answer", type="replied", message=mail(message_id="m2", in_reply_to=name)),
        item(id="opened", type="opened", message={"message_id": name}),
        item(id="meeting", type="meeting_confirmed", message=None, meeting={"uid": name} | times),
        item(id="plain", message=mail(message_id="plain")),
    ]

    answers = [post({"activities": items}).json()["results"] for _ in range(2)]
    again = post({"activities": [item(id="again", message=mail(message_id=name))]}).json()["results"]

    assert [[each["status"] for each in results] for results in answers] == [["accepted"] * 5, ["duplicate"] * 5]
    assert (again[0]["status"], again[0]["activity"]) == ("duplicate", answers[0][0]["activity"])
