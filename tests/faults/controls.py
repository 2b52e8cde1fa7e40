"""Senders that do it wrong, under the same faults as the product: each must write doubles, or the harness is blind.

- blind retry: what got no answer is sent again.
- look-up without the wait: what got no answer is looked up by its key, and sent again at once when it is not there.
- plain queue task: one task of the queue for each activity, delivered again by the queue when it fails or its worker
  dies.

They send through the product's own client, with a lease for each batch as the product has.
"""

import secrets
import sys
import time
from base64 import b32encode
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults import salesforce as sf
from tests.faults.counts import Counts, count, is_settled, tag_of
from tests.faults.world import Slot, World

ROWS, BATCH = 60, 10
LEASE = "4 seconds"
TIME_LIMIT = 60.0
TABLE = """
CREATE TABLE IF NOT EXISTS fault.control (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, connection_id bigint NOT NULL, tag text NOT NULL,
    key text NOT NULL, lease timestamptz NOT NULL DEFAULT now(), sent boolean NOT NULL DEFAULT false,
    done boolean NOT NULL DEFAULT false
)
"""
CLAIM = f"""
UPDATE fault.control SET lease = now() + interval '{LEASE}' WHERE id IN (
    SELECT id FROM fault.control WHERE connection_id = %s AND NOT done AND lease <= now()
    ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
) RETURNING id, tag, key, sent
"""
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "process_then_drop"},
    {"kind": "drop_then_process", "seconds": 1.5},
    {"kind": "drop"},
    {"kind": "process_then_html", "status": 502},
    {"kind": "drop_then_process", "seconds": 3.0},
    {"kind": "delay_then_drop", "seconds": 2.5},
)


# --- The senders, as tasks of the queue ---------------------------------------------------------------------


def blind(connection_id: int) -> None:
    """Send what is not done."""
    _send_batches(connection_id, looks_first=False)


def looking(connection_id: int) -> None:
    """Look for what was sent before; send what is not there."""
    _send_batches(connection_id, looks_first=True)


def plain(row_id: int) -> None:
    """Send one activity, unless that is done."""
    rows = _run("SELECT id, tag, key, connection_id FROM fault.control WHERE id = %s AND NOT done", [row_id])
    for pk, tag, key, connection_id in rows:
        _client(connection_id).create_many([_record(tag, key)])
        _run("UPDATE fault.control SET done = true WHERE id = %s", [pk])


def _send_batches(connection_id: int, *, looks_first: bool) -> None:
    from integrations.salesforce.errors import SalesforceError

    while rows := _run(CLAIM, [connection_id]):
        client = _client(connection_id)
        ids = [row[0] for row in rows]
        try:
            found = _find(client, connection_id, rows) if looks_first else set()
            _run("UPDATE fault.control SET done = true WHERE key = ANY(%s)", [list(found)])
            left = [row for row in rows if row[2] not in found]
            _run("UPDATE fault.control SET sent = true WHERE id = ANY(%s)", [[row[0] for row in left]])
            if left:
                client.create_many([_record(tag, key) for _, tag, key, _ in left])
            _run("UPDATE fault.control SET done = true WHERE id = ANY(%s)", [ids])
        except SalesforceError:
            _run("UPDATE fault.control SET lease = now() WHERE id = ANY(%s)", [ids])


def _find(client: Any, connection_id: int, rows: list[tuple[Any, ...]]) -> set[str]:
    from integrations.models import Connection

    keys = [key for _, _, key, sent in rows if sent]
    if not keys:
        return set()
    user = Connection.objects.select_related("salesforce_user").get(pk=connection_id).salesforce_user.user_id
    since = datetime.now(UTC) - timedelta(minutes=15)
    return {record.key for record in client.find_by_key("Task", keys, created_by=user, since=since)}


def _record(tag: str, key: str) -> dict[str, Any]:
    return {"attributes": {"type": "Task"}, "Subject": f"Sent: {tag}", "CallObject": f"touchline:{key}"}


def _client(connection_id: int) -> Any:
    from integrations.connections import client_for
    from integrations.models import Connection

    return client_for(Connection.objects.select_related("org", "salesforce_user", "workspace").get(pk=connection_id))


def _run(sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


# --- The run ------------------------------------------------------------------------------------------------


def run_controls(world: World, say: Callable[[str], None]) -> dict[str, int]:
    """Doubles by sender. The product runs along under the same faults, and must write none."""
    slots = [slot for slot in world.slots if not sf.hides_call_object(slot.number)]
    doubles = {
        "blind retry": run_blind_retry(world, slots[0], say),
        "look-up without the wait": _run_control(world, slots[1], "looking", say),
        "plain queue task": _run_plain(world, slots[2], say),
    }
    counts = _run_product(world, slots[3])
    say(f"  the product under the same faults: {counts}")
    doubles["the product"] = counts.duplicated + counts.lost + counts.stuck
    return doubles


def run_blind_retry(world: World, slot: Slot, say: Callable[[str], None]) -> int:
    """Doubles of the simplest wrong sender."""
    world.points.session.execute(TABLE)
    return _run_control(world, slot, "blind", say)


def _order_faults(world: World, slot: Slot) -> None:
    for position, fault in enumerate(FAULTS * 2):
        values = {"user": slot.user, "path": sf.WRITES, "method": "POST", "skip": 0 if position == 0 else 1}
        world.salesforce.ask("add_fault", **(values | fault))


def _insert(world: World, slot: Slot, name: str) -> list[int]:
    rows = []
    for number in range(ROWS):
        key = b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
        rows += world.points.session.execute(
            "INSERT INTO fault.control (connection_id, tag, key) VALUES (%s, %s, %s) RETURNING id",
            [slot.connection_id, f"{name}-{number}", key],
        ).fetchall()
    return [pk for (pk,) in rows]


def _run_control(world: World, slot: Slot, name: str, say: Callable[[str], None]) -> int:
    _insert(world, slot, name)
    _order_faults(world, slot)
    asked = [0.0]

    def goes_on() -> bool:
        if time.monotonic() - asked[0] > 0.5:
            asked[0] = time.monotonic()
            world.queue(f"tests.faults.controls.{name}", slot.connection_id)
        return _is_done(world, slot)

    world.wait_for(goes_on, TIME_LIMIT)
    return _count_doubles(world, slot, name, say)


def _run_plain(world: World, slot: Slot, say: Callable[[str], None]) -> int:
    ids = _insert(world, slot, "plain")
    _order_faults(world, slot)
    world.start_cluster("plain", FAULTS_PLAIN_QUEUE="1", QUEUE_WORKERS="2")
    world.start("enqueue", "-m", "tests.faults.controls", *map(str, ids), FAULTS_PLAIN_QUEUE="1")
    world.wait_for(lambda: _is_done(world, slot), TIME_LIMIT)
    world.end("plain")
    return _count_doubles(world, slot, "plain", say)


def _run_product(world: World, slot: Slot) -> Counts:
    _order_faults(world, slot)
    tags = {slot.number: []}
    for batch in range(ROWS // BATCH):
        tags[slot.number] += world.report(slot, [f"product-{batch}-{number}" for number in range(BATCH)])
        world.wait_for(lambda: False, 0.7)
    world.wait_for(lambda: is_settled(world, tags), TIME_LIMIT)
    world.salesforce.ask("clear_faults")
    return count(world, tags)


def _is_done(world: World, slot: Slot) -> bool:
    sql = "SELECT count(*) FROM fault.control WHERE connection_id = %s AND NOT done"
    return world.points.session.execute(sql, [slot.connection_id]).fetchone() == (0,)


def _count_doubles(world: World, slot: Slot, name: str, say: Callable[[str], None]) -> int:
    """Once what Salesforce had in hand has come through."""
    world.wait_for(lambda: False, 4.0)
    world.salesforce.ask("clear_faults")
    subjects = Counter(tag_of(subject) for subject, _ in world.salesforce.ask("subjects", slot.number))
    records = {tag: number for tag, number in subjects.items() if tag.startswith(f"{name}-")}
    doubles = sum(number - 1 for number in records.values())
    say(f"  {name}: {ROWS} accepted, {len(records)} in Salesforce, {doubles} written twice")
    return doubles


def enqueue(ids: list[int]) -> None:
    """In a process of its own: one task for each row, in the queue of the plain cluster."""
    import django

    django.setup()
    from django_q.tasks import async_task

    for pk in ids:
        async_task("tests.faults.controls.plain", pk)


if __name__ == "__main__":
    enqueue([int(each) for each in sys.argv[1:]])
