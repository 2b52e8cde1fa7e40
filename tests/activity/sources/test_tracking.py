"""Registering a message: what comes back, what is kept, and the same id again."""

from typing import Any

import pytest

from activity.models import Activity, Message, Participant, SyncJob, TrackedCopy, TrackedMessage
from activity.sources.tracking import LONGEST_ANSWER, Registered, register
from tests.activity.stories import NORA, PETER
from tests.activity.tracked import BASE, FILE, HTML, OFFER, TERMS, item, paths, to_two
from tests.activity.tracking.redirects import PAYLOADS
from workspaces.models import User, Workspace


def one(workspace: Workspace, wanted: dict[str, Any]) -> Registered:
    [registered] = register(workspace, [wanted])
    return registered


def faults(registered: Registered) -> list[tuple[str, str]]:
    assert registered.copies == ()
    return [(fault.path, fault.message) for fault in registered.errors]


def test_one_copy_for_all(acme: Workspace, ben: User) -> None:
    registered = one(acme, to_two())
    [copy] = registered.copies
    [pixel], clicks, [download] = (paths(copy.html, purpose) for purpose in "ocd")

    assert (registered.source_id, registered.message_id, copy.recipient) == ("1", "m1@acme.example", "")
    assert copy.files == (("list.pdf", BASE + download),)
    assert copy.html == (
        HTML.replace(OFFER, BASE + clicks[0])
        .replace(TERMS, BASE + clicks[1])
        .replace(FILE, BASE + download)
        .replace("</body>", f'<img src="{BASE}{pixel}" width="1" height="1" alt=""></body>')
    )


def test_a_copy_for_each_recipient_once(acme: Workspace, ben: User) -> None:
    people = {"to": [{"email": NORA}, {"email": PETER}], "cc": [{"email": NORA.upper()}], "bcc": [{"email": PETER}]}
    registered = one(acme, item(message=people, pixel="per_recipient"))

    assert [copy.recipient for copy in registered.copies] == [NORA, PETER]
    addresses = [path for copy in registered.copies for purpose in "ocd" for path in paths(copy.html, purpose)]
    assert len(addresses) == len(set(addresses)) == 8


def test_the_message_is_known_and_not_logged_as_sent(acme: Workspace, ben: User) -> None:
    one(acme, item(message={"cc": [{"email": PETER}]}))

    [message] = Message.objects.all()
    people = list(Participant.objects.order_by("pk").values_list("role", "address", "name"))
    assert (message.message_id, message.subject, message.text) == ("m1@acme.example", "Offer 1", "")
    assert people == [("from", "ben@acme.example", "Ben"), ("to", NORA, "Nora West"), ("cc", PETER, "")]
    assert not Activity.objects.exists()
    assert not SyncJob.objects.exists()


def test_the_html_is_not_kept(acme: Workspace, ben: User) -> None:
    one(acme, item(html=f"{HTML}<p>canary"))

    [tracked] = TrackedMessage.objects.values()
    assert tracked["targets"] == [
        {"url": FILE, "file": "list.pdf"},
        {"url": OFFER, "file": ""},
        {"url": TERMS, "file": ""},
    ]
    assert "canary" not in repr((tracked, list(TrackedCopy.objects.values()), list(Message.objects.values())))


@pytest.mark.parametrize("pixel", ["one", "per_recipient"])
def test_the_same_again_gets_the_same_answer(acme: Workspace, ben: User, pixel: str) -> None:
    first = one(acme, to_two(pixel=pixel))

    assert one(acme, to_two(pixel=pixel)) == first
    assert register(acme, [to_two(pixel=pixel)] * 2) == [first, first]
    assert (TrackedMessage.objects.count(), Message.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"html": "<p>Other"},
        {"pixel": "per_recipient"},
        {"files": []},
        {"message": {"subject": "Other"}},
        {"user": "ada@acme.example"},
    ],
)
def test_other_content_under_the_same_id_is_refused(acme: Workspace, ben: User, other: dict[str, Any]) -> None:
    one(acme, item())
    refused = one(acme, item(**other))

    assert faults(refused) == [
        ("id", "This id was reported before with other content. Nothing was changed; use another id.")
    ]
    assert TrackedMessage.objects.count() == 1


def test_ids_are_each_workspaces_own(acme: Workspace, ben: User, globex: Workspace) -> None:
    first = one(acme, item())
    second = one(globex, item(user="cleo@globex.example", html="<p>Other"))

    assert second.errors == ()
    assert first.copies != second.copies


def test_a_message_without_an_id_gets_one(acme: Workspace, ben: User) -> None:
    registered = one(acme, item(message={"message_id": None}))

    assert registered.message_id.endswith("@testserver")
    assert registered.message_id == Message.objects.get().message_id
    assert one(acme, item(message={"message_id": None})) == registered


def test_what_is_known_of_a_message_stays(acme: Workspace, ben: User) -> None:
    one(acme, item())
    one(acme, item(id="2", message={"subject": "Other", "to": [{"email": PETER}]}))

    assert Message.objects.get().subject == "Offer 1"
    assert list(Participant.objects.filter(role="to").values_list("address", flat=True)) == [NORA]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("x", [("", "This must be an object.")]),
        (item(id=None), [("id", "This is required.")]),
        (item(user="nobody@acme.example"), [("user", "No member of this workspace has this verified address.")]),
        (item(user="cleo@globex.example"), [("user", "No member of this workspace has this verified address.")]),
        (item(html=""), [("html", "This must not be empty.")]),
        (item(html="x" * 1_000_001), [("html", "At most 1000000 characters.")]),
        (item(message={"to": []}), [("message.to", "At least one recipient is required.")]),
        (item(message={"to": [{"email": "x"}]}), [("message.to[0].email", "This is not an e-mail address.")]),
        (item(message={"subject": None}), [("message.subject", "This is required.")]),
        (item(files=[{"name": "", "url": FILE}]), [("files[0].name", "This must not be empty.")]),
    ],
)
def test_faults(acme: Workspace, ben: User, cleo: User, wanted: Any, expected: list[tuple[str, str]]) -> None:
    assert faults(one(acme, wanted)) == expected
    assert not TrackedMessage.objects.exists()


def test_a_file_must_lie_at_a_clear_web_address(acme: Workspace, ben: User) -> None:
    wanted = [item(id=str(number), files=[{"name": "x", "url": url}]) for number, url in enumerate(PAYLOADS)]
    results = register(acme, wanted)

    assert [[fault.path for fault in each.errors] for each in results] == [["files[0].url"]] * len(PAYLOADS)
    assert not TrackedMessage.objects.exists()


def test_the_copies_of_one_answer_have_a_limit(acme: Workspace, ben: User) -> None:
    html = "x" * (LONGEST_ANSWER // 2)

    assert one(acme, to_two(id="2", html=html, pixel="per_recipient")).errors == ()
    assert [path for path, _ in faults(one(acme, to_two(html=html + "x", pixel="per_recipient")))] == ["html"]
    assert one(acme, to_two(id="3", html=html)).errors == ()


def test_one_fault_refuses_one_message(acme: Workspace, ben: User) -> None:
    results = register(acme, [item(html=""), item(id="2")])

    assert [(each.source_id, bool(each.copies)) for each in results] == [("1", False), ("2", True)]
