"""G7: what it costs to take reports over HTTP, 500 at a time and one by one. A real gunicorn, keys and all."""

import http.client
import itertools
import json

import psycopg

from tests.benchmarks.meter import Cost, median, metered
from tests.benchmarks.report import Line
from tests.benchmarks.world import BODY, World, process_of, wait_for
from tests.processes import free_port

ITEMS = 500
SINGLES = 200
TABLES = {"ledgerentry": 1, "message": 1, "participant": 2, "activity": 1, "syncjob": 1, "duejob": 1}
"""Rows of an activity by table: what capture writes."""
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


def copy_same_rows(world: World, size: int) -> Cost:
    """The rows that capture has just written, into tables of the same shape and indexes, 500 activities a time."""
    with psycopg.connect(world.url) as connection:
        rows = {}
        for table in TABLES:
            with connection.cursor().copy(f"COPY activity_{table} TO STDOUT") as copy:
                rows[table] = [line + b"\n" for line in b"".join(map(bytes, copy)).splitlines()]
            connection.execute(f"DROP TABLE IF EXISTS bare_{table}")
            connection.execute(f"CREATE TABLE bare_{table} (LIKE activity_{table} INCLUDING ALL)")
        connection.commit()
        world.tidy()
        with metered(world.url) as cost:
            for start in range(0, size, ITEMS):
                for table, each in TABLES.items():
                    _copy(
                        connection,
                        f"COPY bare_{table} FROM STDIN",
                        rows[table][start * each : (start + ITEMS) * each],
                    )
                connection.commit()
    return cost


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
        costs: dict[str, list[float]] = {name: [] for name in ("posts", "one table", "same rows", "single", "ping")}
        for _ in range(runs):
            world.clear()
            costs["one table"].append(copy_one_table(world, size).cpu_ms / size * 1000)
            costs["posts"].append(post_all(world, server.pid, client, size, ITEMS) / size * 1000)
            costs["same rows"].append(copy_same_rows(world, size).cpu_ms / size * 1000)
            costs["single"].append(post_all(world, server.pid, client, SINGLES, 1) / SINGLES)
            costs["ping"].append(ping_all(world, server.pid, client) / SINGLES)
    return lines_of({name: median(each) for name, each in costs.items()})


def post_all(world: World, server: int, client: Client, size: int, items: int) -> float:
    """CPU of the server's processes and PostgreSQL for `size` activities in posts of `items`, in ms."""
    bodies = [make_body(world, items) for _ in range(size // items)]
    world.tidy()
    with metered(world.url, server) as cost:
        for body in bodies:
            client.post(body)
    return cost.cpu_ms


def ping_all(world: World, server: int, client: Client) -> float:
    """CPU of as many pings, in ms."""
    with metered(world.url, server) as cost:
        for _ in range(SINGLES):
            client.ping()
    return cost.cpu_ms


def lines_of(cost: dict[str, float]) -> list[Line]:
    """Capture writes seven rows where the barest COPY writes one: the same rows are the baseline of the target."""
    return [
        _line("G7 ingest CPU/1k, COPY of the same rows", cost["same rows"], cost["posts"], 2),
        _line("   against COPY of one row each", cost["one table"], cost["posts"]),
        _line("   single POST against /healthz", cost["ping"], cost["single"], 5),
    ]


def _line(target: str, baseline: float, measured: float, limit: float | None = None) -> Line:
    return Line(target, f"{baseline:.3g} ms", f"{measured:.3g} ms", measured / baseline, limit)
