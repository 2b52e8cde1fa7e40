"""Requests that register messages: who may ask, what is understood, what is answered."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from activity.models import Message, TrackedMessage
from tests.activity.stories import NORA, PETER
from tests.activity.tracked import BASE, item, paths, to_two
from workspaces.models import User

URL = "/api/v1/messages"


def post(key: str, body: Any, **headers: str) -> HttpResponse:
    data = body if isinstance(body, bytes) else json.dumps(body)
    content_type = headers.pop("content_type", "application/json")
    return Client().post(URL, data, content_type=content_type, headers={"Authorization": f"Bearer {key}"} | headers)


def problem(answer: Any) -> tuple[int, str, str]:
    """Status, media type and title; nothing was stored."""
    assert not Message.objects.exists()
    assert not TrackedMessage.objects.exists()
    return answer.status_code, answer["Content-Type"], answer.json()["title"]


def test_one_html_for_all(key: str, ben: User) -> None:
    answer = post(key, {"messages": [to_two()]})
    [result] = answer.json()["results"]
    html = result.pop("html")

    assert answer.status_code == 200
    assert [len(paths(html, purpose)) for purpose in "ocd"] == [1, 2, 1]
    assert result == {
        "id": "1",
        "status": "registered",
        "message_id": "m1@acme.example",
        "files": [{"name": "list.pdf", "url": BASE + paths(html, "d")[0]}],
        "errors": [],
    }


def test_a_copy_for_each_recipient(key: str, ben: User) -> None:
    [result] = post(key, {"messages": [to_two(pixel="per_recipient")]}).json()["results"]
    copies = result.pop("copies")

    assert result == {"id": "1", "status": "registered", "message_id": "m1@acme.example", "errors": []}
    assert [(copy["recipient"], sorted(copy)) for copy in copies] == [
        (NORA, ["files", "html", "recipient"]),
        (PETER, ["files", "html", "recipient"]),
    ]
    assert copies[0]["html"] != copies[1]["html"]


def test_the_same_request_gets_the_same_answer(key: str, ben: User) -> None:
    first, second = (post(key, {"messages": [to_two(pixel="per_recipient")]}).content for _ in range(2))

    assert first == second


def test_each_message_has_its_own_result(key: str, ben: User) -> None:
    results = post(key, {"messages": [item(html=""), item(id="2")]}).json()["results"]

    assert results[0] == {
        "id": "1",
        "status": "rejected",
        "errors": [{"path": "html", "message": "This must not be empty."}],
    }
    assert (results[1]["id"], results[1]["status"]) == ("2", "registered")


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        (b"{", 400, "Not JSON"),
        ({"activities": []}, 422, "Wrong shape"),
        ({"messages": []}, 422, "Wrong number"),
        ({"messages": [{}] * 21}, 422, "Wrong number"),
    ],
)
def test_faults_of_the_whole_request(key: str, ben: User, body: Any, status: int, title: str) -> None:
    assert problem(post(key, body)) == (status, "application/problem+json", title)


def test_without_a_valid_key(key: str, ben: User) -> None:
    assert problem(post("tl_wrong", {"messages": [item()]})) == (401, "application/problem+json", "No valid key")


def test_a_key_in_the_address_is_refused(key: str) -> None:
    answer = Client().post(f"{URL}?key={key}", "{}", content_type="application/json")

    assert problem(answer) == (400, "application/problem+json", "Key in the address")


def test_plain_http_is_refused(key: str, settings: Settings) -> None:
    settings.BASE_URL = "https://touchline.example"

    assert problem(post(key, {"messages": [item()]})) == (403, "application/problem+json", "HTTPS required")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_only_post(db: None, method: str) -> None:
    answer = getattr(Client(), method)(URL)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_foreign_workspaces_member_is_nobody_here(key: str, cleo: User) -> None:
    [result] = post(key, {"messages": [item(user=cleo.email)]}).json()["results"]

    assert [fault["path"] for fault in result["errors"]] == ["user"]


def test_it_is_described(db: None) -> None:
    description = Client().get("/api/v1/openapi.json").json()
    operation = description["paths"]["/api/v1/messages"]["post"]
    schemas = description["components"]["schemas"]

    assert (
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/MessagesIn"
    )
    assert sorted(operation["responses"]) == ["200", "400", "401", "403", "413", "415", "422", "429", "503"]
    assert {"MessagesIn", "MessageToTrackIn", "OutgoingIn", "FileIn", "ActivitiesIn"} <= set(schemas)
    assert sorted(schemas["OutgoingIn"]["required"]) == ["from", "subject", "to"]
