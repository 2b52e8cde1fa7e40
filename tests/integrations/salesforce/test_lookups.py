"""Looking for our own records after a lost answer."""

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import StaleDescribe, Transient
from integrations.salesforce.lookups import CreatedPerson, FoundRecord, RecordState, read_marker
from integrations.salesforce.stand_in import Fault
from tests.stand_in_fixtures import TestedStandIn

ADA, SYNC = "ada@touchline.example", "sync@touchline.example"
START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def new_key() -> str:
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def task(key: str) -> dict[str, object]:
    return {
        "attributes": {"type": "Task"},
        "Subject": "Sent: x",
        "CallObject": f"touchline:{key}",
        "Description": f"Hello\n\nRef: touchline-{key}",
    }


def event(key: str, start: datetime = START) -> dict[str, object]:
    return {
        "attributes": {"type": "Event"},
        "Subject": "Meeting",
        "StartDateTime": start.isoformat(),
        "DurationInMinutes": 30,
        "Description": f"Ref: touchline-{key}",
    }


@pytest.fixture
def since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=15)


@pytest.fixture
def sync_id(stand_in: TestedStandIn) -> str:
    return stand_in.org.user(SYNC)["Id"]


def test_a_task_is_found_by_its_key(
    stand_in: TestedStandIn, sync_client: SalesforceClient, since: datetime, sync_id: str
) -> None:
    key, other = new_key(), new_key()
    (written, _) = sync_client.create_many([task(key), task(other)])
    row = stand_in.org.row(written.id)

    found = sync_client.find_by_key("Task", [new_key(), key], created_by=sync_id, since=since)

    assert found == [
        FoundRecord(
            id=written.id,
            key=key,
            created_at=datetime.fromisoformat(row["CreatedDate"]),
            modified_at=datetime.fromisoformat(row["LastModifiedDate"]),
            is_deleted=False,
            created_by=sync_id,
        )
    ]


def test_deleted_and_archived_tasks_are_found_too(
    stand_in: TestedStandIn, sync_client: SalesforceClient, since: datetime, sync_id: str
) -> None:
    keys = [new_key(), new_key()]
    removed, archived = sync_client.create_many([task(key) for key in keys])
    stand_in.org.remove(removed.id)
    stand_in.org.archive(archived.id)

    for found in (
        sync_client.find_by_key("Task", keys, created_by=sync_id, since=since),
        sync_client.find_by_marker("Task", keys, created_by=sync_id, since=since),
    ):
        assert {record.id: record.is_deleted for record in found} == {removed.id: True, archived.id: False}


def test_only_what_this_user_wrote_since_then_is_ours(
    sync_client: SalesforceClient,
    connect_as: Callable[[str], SalesforceClient],
    stand_in: TestedStandIn,
    since: datetime,
    sync_id: str,
) -> None:
    key = new_key()
    connect_as(ADA).create_many([task(key)])
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    ada_id = stand_in.org.user(ADA)["Id"]

    assert sync_client.find_by_key("Task", [key], created_by=sync_id, since=since) == []
    assert sync_client.find_by_marker("Task", [key], created_by=sync_id, since=since) == []
    assert sync_client.find_by_key("Task", [key], created_by=ada_id, since=tomorrow) == []
    assert len(sync_client.find_by_key("Task", [key], created_by=ada_id[:15], since=since)) == 1


def test_a_record_written_twice_is_found_twice_oldest_first(
    sync_client: SalesforceClient, since: datetime, sync_id: str
) -> None:
    key = new_key()
    written = [result.id for result in sync_client.create_many([task(key), task(key)])]

    for found in (
        sync_client.find_by_key("Task", [key], created_by=sync_id, since=since),
        sync_client.find_by_marker("Task", [key], created_by=sync_id, since=since),
    ):
        assert [record.id for record in found] == written


def test_an_event_is_found_by_its_marker_and_start(
    sync_client: SalesforceClient, since: datetime, sync_id: str
) -> None:
    key, other = new_key(), new_key()
    later = START + timedelta(hours=1)
    written = sync_client.create_many([event(key), event(other, later)])

    def ids(**options: object) -> list[str]:
        found = sync_client.find_by_marker("Event", [key, other], created_by=sync_id, since=since, **options)
        return [record.id for record in found]

    assert ids() == [result.id for result in written]
    assert ids(starts=[START]) == [written[0].id]
    assert ids(starts=[START, later, later]) == [result.id for result in written]
    assert ids(starts=[START - timedelta(hours=1)]) == []


def test_a_guests_copy_of_an_event_is_not_ours(
    stand_in: TestedStandIn, sync_client: SalesforceClient, since: datetime, sync_id: str
) -> None:
    key = new_key()
    (written,) = sync_client.create_many([event(key)])
    stand_in.org.row(written.id)["IsChild"] = True  # no call can set it

    assert sync_client.find_by_marker("Event", [key], created_by=sync_id, since=since) == []


def test_an_event_has_no_key_field(sync_client: SalesforceClient, since: datetime, sync_id: str) -> None:
    with pytest.raises(ValueError, match="only a Task has CallObject"):
        sync_client.find_by_key("Event", [new_key()], created_by=sync_id, since=since)


@pytest.mark.parametrize("keys", [["x"], ["A" * 26], ["a" * 25], ["1" * 26], ["a" * 26 + "\n"], [""]])
def test_a_key_that_is_not_ours_is_refused(
    sync_client: SalesforceClient, since: datetime, sync_id: str, keys: list[str]
) -> None:
    for find in (sync_client.find_by_key, sync_client.find_by_marker):
        with pytest.raises(ValueError, match="not a key of ours"):
            find("Task", keys, created_by=sync_id, since=since)


def test_1000_keys_cost_one_call_and_none_cost_none(
    stand_in: TestedStandIn, sync_client: SalesforceClient, since: datetime, sync_id: str
) -> None:
    keys = [new_key() for _ in range(1_000)]
    written = [result.id for result in sync_client.create_many([task(key) for key in keys[800:]])]
    before = stand_in.org.usage.used

    found = sync_client.find_by_key("Task", keys, created_by=sync_id, since=since)
    assert sorted(record.id for record in found) == sorted(written)
    assert stand_in.org.usage.used - before == 1
    assert sync_client.find_by_key("Task", [], created_by=sync_id, since=since) == []
    assert sync_client.find_by_marker("Task", [], created_by=sync_id, since=since) == []
    assert sync_client.record_states("Task", []) == {}
    assert stand_in.org.usage.used - before == 1


def test_a_lookup_that_fails_is_no_empty_lookup(
    stand_in: TestedStandIn, sync_client: SalesforceClient, since: datetime, sync_id: str
) -> None:
    for kind in ("drop", "html"):
        stand_in.faults.add(Fault(kind, path="/composite"))
        with pytest.raises(Transient):
            sync_client.find_by_key("Task", [new_key()], created_by=sync_id, since=since)


def test_a_hidden_description_is_told(
    stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient], since: datetime
) -> None:
    stand_in.org.hide_field("Task", "Description", ADA)

    with pytest.raises(StaleDescribe):
        connect_as(ADA).find_by_marker("Task", [new_key()], created_by=stand_in.org.user(ADA)["Id"], since=since)


def test_states_of_records(stand_in: TestedStandIn, sync_client: SalesforceClient) -> None:
    kept, removed = (result.id for result in sync_client.create_many([task(new_key()), task(new_key())]))
    stand_in.org.remove(removed)
    changed = {each: datetime.fromisoformat(stand_in.org.row(each)["LastModifiedDate"]) for each in (kept, removed)}

    states = sync_client.record_states("Task", [kept[:15], removed, "00T000000000009"])

    assert states == {kept: RecordState(False, changed[kept]), removed: RecordState(True, changed[removed])}


# --- the marker

KEY, OTHER = "a" * 26, "b" * 26


@pytest.mark.parametrize(
    ("description", "key"),
    [
        (f"Ref: touchline-{KEY}", KEY),
        (f"Hello\r\n\r\nRef: touchline-{KEY}\r\n", KEY),
        (f"Hello\nRef: touchline-{KEY}  \n\nA colleague's note below", KEY),
        (f"quoted\nRef: touchline-{OTHER}\n\nRef: touchline-{KEY}", KEY),
        (f"> Ref: touchline-{KEY}", None),
        (f"see Ref: touchline-{KEY}", None),
        (f"Ref: touchline-{KEY}a", None),
        (f"Ref: touchline-{KEY[:25]}", None),
        (f"Ref: touchline-{KEY.upper()}", None),
        (f"ref: touchline-{KEY}", None),
        (f"Ref: mlog-{KEY}", None),
        ("", None),
        (None, None),
    ],
)
def test_the_last_marker_line_counts(description: str | None, key: str | None) -> None:
    assert read_marker(description) == key


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_text_before_the_marker_does_not_hide_it(body: str) -> None:
    assert read_marker(f"{body}\nRef: touchline-{KEY}") == KEY


# --- People ----------------------------------------------------------------------------------------------


def test_people_whom_a_user_created(
    stand_in: TestedStandIn, connect_as: Callable[[str], SalesforceClient], since: datetime
) -> None:
    org, ada = stand_in.org, connect_as(ADA)
    grace = {"LastName": "Hopper", "Email": "grace@hopper.example"}
    ours = [ada.create_person("Contact", grace) for _ in range(3)]
    org.remove(ours[1])
    org.merge(ours[0], ours[2])
    org.add("Contact", **grace)
    ada.create_person("Contact", grace | {"Email": "other@hopper.example"})
    created_by = org.user(ADA)["Id"]

    found = ada.find_created_people("Contact", "GRACE@hopper.example", created_by=created_by, since=since)

    assert found == [
        CreatedPerson(ours[0], "Hopper", is_deleted=False, master_record_id=None),
        CreatedPerson(ours[1], "Hopper", is_deleted=True, master_record_id=None),
        CreatedPerson(ours[2], "Hopper", is_deleted=True, master_record_id=ours[0]),
    ]
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert ada.find_created_people("Contact", "grace@hopper.example", created_by=created_by, since=later) == []
