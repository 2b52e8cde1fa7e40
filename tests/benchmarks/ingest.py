"""G7: what it costs to take reports over HTTP, 500 at a time and one by one. A real gunicorn, keys and all.

The prototype that the target comes from wrote one row an activity; capture writes seven into six tables. So the
baseline that counts is given those seven rows as values, asks which reports are known, enters the others into a
ledger, and COPYs the rows into tables with the same indexes and foreign keys. Two barer ones stand beside it.
"""

import http.client
import itertools
import json
from collections import defaultdict
from collections.abc import Callable

import psycopg

from tests.benchmarks.meter import Cost, median, metered
from tests.benchmarks.report import Line
from tests.benchmarks.world import BODY, World, process_of, wait_for
from tests.processes import free_port

ITEMS = 500
SINGLES = 200
WARM_UP = 60
"""Single posts before each measurement: emptying and analysing the tables made every connection forget its plans."""
TABLES = {"ledgerentry": 1, "message": 1, "participant": 2, "activity": 1, "syncjob": 1, "duejob": 1}
"""Rows of an activity by table: what capture writes."""
FOREIGN_KEYS = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'"
OPTIONS = "SELECT unnest(reloptions) FROM pg_class WHERE oid = %s::regclass"
COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
KNOWN = """
SELECT source_id, digest, activity_uuid FROM bare_ledgerentry
WHERE workspace_id = %s AND source = %s AND source_id = ANY(%s::text[])
"""
ENTER = """
INSERT INTO bare_ledgerentry (workspace_id, source, source_id, digest, activity_uuid, recorded_at)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::timestamptz[])
ON CONFLICT DO NOTHING RETURNING source_id
"""
ONE_TABLE = """
DROP TABLE IF EXISTS bare_ingest;
CREATE TABLE bare_ingest (
    id bigint PRIMARY KEY, owner bigint, workspace bigint, made timestamptz DEFAULT now(),
    due_at timestamptz DEFAULT now(), state smallint DEFAULT 0, recipient text, subject text, body text
);
CREATE INDEX ON bare_ingest (owner, made DESC, id DESC);
CREATE INDEX ON bare_ingest (workspace, made DESC, id DESC);
CREATE INDEX ON bare_ingest (owner, id) WHERE state > 1;
CREATE INDEX ON bare_ingest (workspace, id) WHERE state > 1;
CREATE INDEX ON bare_ingest (due_at) WHERE state = 0;
"""


class Client:
    """A mail client with a key."""

    def __init__(self, port: int, key: str) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, body: bytes) -> None:
        """Report; everything must be accepted."""
        self.http.request("POST", "/api/v1/activities", body, self.headers)
        answer = self.http.getresponse()
        content = answer.read()
        assert answer.status == 202, content
        assert b"rejected" not in content, content[:500]

    def ping(self) -> None:
        """The cheapest page that asks the database."""
        self.http.request("GET", "/healthz")
        answer = self.http.getresponse()
        answer.read()
        assert answer.status == 200

    def is_up(self) -> bool:
        """Whether the server answers."""
        try:
            self.ping()
        except (OSError, http.client.HTTPException, AssertionError):
            self.http.close()
            return False
        return True


_numbers = itertools.count(1)


def make_body(world: World, count: int) -> bytes:
    """A request of so many new activities."""
    user = world.connection.membership.user.email
    items = []
    for number in itertools.islice(_numbers, count):
        recipient = world.addresses[number % len(world.addresses)]
        message = {
            "message_id": f"<api{number}@acme.example>",
            "subject": f"Offer {number}",
            "from": {"email": user, "name": "Ben"},
            "to": [{"email": recipient}],
            "text": BODY.format(name="there", number=number),
        }
        at = "2026-11-20T12:00:00Z"
        items.append({"id": f"api-{number}", "user": user, "type": "sent", "occurred_at": at, "message": message})
    return json.dumps({"activities": items}).encode()


def copy_one_table(world: World, size: int) -> Cost:
    """The barest: COPY of 500 rows into one table with the indexes of the narrow log."""
    rows = ((*row[:2], row[2].replace("\n", "\\n")) for row in world.rows(size))
    lines = ["\t".join((str(number), "1", "1", *row, "\n")).encode() for number, row in enumerate(rows)]
    lines = [line.replace(b"\t\n", b"\n") for line in lines]
    with psycopg.connect(world.url) as connection:
        connection.execute(ONE_TABLE)
        connection.commit()
        world.tidy()
        with metered(world.url) as cost:
            for start in range(0, size, ITEMS):
                copy = "COPY bare_ingest (id, owner, workspace, recipient, subject, body) FROM STDIN"
                _copy(connection, copy, lines[start : start + ITEMS])
                connection.commit()
    return cost


def copy_lines(world: World, size: int) -> float:
    """The rows that capture has just written as ready lines, into tables with the same indexes, and nothing else."""
    with psycopg.connect(world.url) as connection:
        _make_tables(connection, foreign_keys=False)
        lines = {}
        for table in TABLES:
            with connection.cursor().copy(f"COPY ({_in_order(connection, table)}) TO STDOUT") as copy:
                lines[table] = [line + b"\n" for line in b"".join(map(bytes, copy)).splitlines()]
        into = {table: _into(connection, table) for table in TABLES}
        connection.commit()
        world.tidy()

        def copy_batch(start: int) -> None:
            for table, each in TABLES.items():
                _copy(connection, into[table], lines[table][start * each : (start + ITEMS) * each])
            connection.commit()

        return _metered_batches(world, size, copy_batch)


def copy_same_rows(world: World, size: int) -> float:
    """The same work at its barest: the rows as values, known reports left out, foreign keys checked."""
    with psycopg.connect(world.url) as connection:
        _make_tables(connection, foreign_keys=True)
        rows = {table: connection.execute(_in_order(connection, table)).fetchall() for table in TABLES}
        ledger = connection.execute(
            "SELECT workspace_id, source, source_id, digest, activity_uuid, recorded_at FROM activity_ledgerentry"
            f" ORDER BY id OFFSET {ITEMS + WARM_UP}"
        ).fetchall()
        into = {table: _into(connection, table) for table in TABLES}
        connection.commit()
        world.tidy()

        def copy_batch(start: int) -> None:
            _enter(connection, ledger[start : start + ITEMS])
            for table, each in TABLES.items():
                if table != "ledgerentry":
                    _copy_values(connection, into[table], rows[table][start * each : (start + ITEMS) * each])
            connection.commit()

        return _metered_batches(world, size, copy_batch)


def _metered_batches(world: World, size: int, copy_batch: Callable[[int], None]) -> float:
    """CPU of all batches but the first for 1,000 activities, in ms: as the server's, the connection is warm."""
    copy_batch(0)
    with metered(world.url) as cost:
        for start in range(ITEMS, size, ITEMS):
            copy_batch(start)
    return cost.cpu_ms / (size - ITEMS) * 1000


def _columns(connection: psycopg.Connection, table: str) -> str:
    """All that are not computed by the table itself."""
    (names,) = connection.execute(COLUMNS, (f"activity_{table}",)).fetchone()  # type: ignore[misc]
    return names


def _in_order(connection: psycopg.Connection, table: str) -> str:
    """The rows as they came, those of the warm-up left out: those of one batch stand together in every table."""
    order = "job_id" if table == "duejob" else "id"
    rows = f"SELECT {_columns(connection, table)} FROM activity_{table} ORDER BY {order}"
    return f"{rows} OFFSET {(ITEMS + WARM_UP) * TABLES[table]}"


def _into(connection: psycopg.Connection, table: str) -> str:
    return f"COPY bare_{table} ({_columns(connection, table)}) FROM STDIN"


def _make_tables(connection: psycopg.Connection, *, foreign_keys: bool) -> None:
    """Empty ones of the same shape, with the same indexes and the same room on their pages."""
    for table in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS bare_{table} CASCADE")
        connection.execute(f"CREATE TABLE bare_{table} (LIKE activity_{table} INCLUDING ALL)")
        for (option,) in connection.execute(OPTIONS, (f"activity_{table}",)).fetchall():
            connection.execute(f"ALTER TABLE bare_{table} SET ({option})")
    for table in TABLES if foreign_keys else ():
        keys = connection.execute(FOREIGN_KEYS, (f"activity_{table}",)).fetchall()
        for (key,) in keys:
            for other in TABLES:
                key = key.replace(f" activity_{other}(", f" bare_{other}(")
            connection.execute(f"ALTER TABLE bare_{table} ADD {key}")


def _enter(connection: psycopg.Connection, ledger: list[tuple]) -> None:
    """Idempotency: ask what is known, enter the rest; nobody may have been faster."""
    from activity.pipeline.arrays import as_array

    columns = [as_array(column) for column in zip(*ledger, strict=True)]
    assert not connection.execute(KNOWN, (ledger[0][0], ledger[0][1], columns[2])).fetchall()
    assert len(connection.execute(ENTER, columns).fetchall()) == len(ledger)


def _copy_values(connection: psycopg.Connection, statement: str, rows: list[tuple]) -> None:
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _copy(connection: psycopg.Connection, statement: str, lines: list[bytes]) -> None:
    with connection.cursor().copy(statement) as copy:
        copy.write(b"".join(lines))


def measure(world: World, size: int, runs: int) -> list[Line]:
    """Posts of 500, posts of one, and their baselines."""
    from integrations import api_keys

    world.know_people(200)
    _, key = api_keys.create(world.workspace, "benchmark", world.ada.user)
    port = free_port()
    environment = {"PORT": str(port), "BIND": "", "WEB_WORKERS": "1", "BASE_URL": f"http://127.0.0.1:{port}"}
    with process_of(world, "-m", "gunicorn", "-c", "config/gunicorn.py", **environment) as server:
        client = Client(port, key)
        wait_for("the web server", client.is_up)
        client.post(make_body(world, ITEMS))
        costs: dict[str, list[float]] = defaultdict(list)
        for _ in range(runs):
            world.clear()
            costs["one row"].append(copy_one_table(world, size).cpu_ms / size * 1000)
            costs["posts"].append(post_all(world, server.pid, client, size, ITEMS) / size * 1000)
            costs["lines"].append(copy_lines(world, size))
            costs["same rows"].append(copy_same_rows(world, size))
            costs["single"].append(post_all(world, server.pid, client, SINGLES, 1) / SINGLES)
            costs["ping"].append(ping_all(world, server.pid, client) / SINGLES)
    return lines_of({name: median(each) for name, each in costs.items()})


def post_all(world: World, server: int, client: Client, size: int, items: int) -> float:
    """CPU of the server's processes and PostgreSQL for `size` activities in posts of `items`, in ms."""
    from activity.counts import fold_counts

    bodies = [make_body(world, items) for _ in range(size // items)]
    client.post(make_body(world, ITEMS))  # PostgreSQL keeps plans that were made for empty tables
    world.tidy()
    for _ in range(WARM_UP):
        client.post(make_body(world, 1))
    with metered(world.url, server) as cost:
        for body in bodies:
            client.post(body)
        fold_counts()  # as each minute
    return cost.cpu_ms


def ping_all(world: World, server: int, client: Client) -> float:
    """CPU of as many pings, in ms."""
    with metered(world.url, server) as cost:
        for _ in range(SINGLES):
            client.ping()
    return cost.cpu_ms


def lines_of(cost: dict[str, float]) -> list[Line]:
    """The ratio that counts, and beside it those to the two barer baselines."""
    return [
        _line("G7 ingest CPU/1k, COPY of the same rows, known ones left out", cost["same rows"], cost["posts"], 2),
        _line("   against COPY of the same rows as lines, nothing checked", cost["lines"], cost["posts"]),
        _line("   against COPY of one row each (naive)", cost["one row"], cost["posts"]),
        _line("   single POST against /healthz", cost["ping"], cost["single"], 5),
    ]


def _line(target: str, baseline: float, measured: float, limit: float | None = None) -> Line:
    return Line(target, f"{baseline:.3g} ms", f"{measured:.3g} ms", measured / baseline, limit)
