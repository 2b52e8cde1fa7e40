"""The baseline: what the pipeline does at its barest, psycopg and http.client, no Django, only results kept.

Claims 200 due rows by a lease in a narrow table, looks their addresses up, creates 200 Tasks in one call, writes the
ids back. With `keep_log` it also keeps what the product keeps: an attempt with payload and answer and the record's
row. That variant is like with like; the plain one is the reference of the targets.
"""

import http.client
import json
import ssl
from urllib.parse import quote, urlsplit

import psycopg

BATCH = 200
SCHEMA = """
DROP TABLE IF EXISTS bare_due, bare_log, bare_attempt, bare_record;
CREATE TABLE bare_due (id bigint PRIMARY KEY, due_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 50);
CREATE INDEX ON bare_due (due_at);
CREATE TABLE bare_log (
    id bigint PRIMARY KEY, recipient text NOT NULL, subject text NOT NULL, body text NOT NULL,
    state smallint NOT NULL DEFAULT 0, salesforce_id text
);
CREATE TABLE bare_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, log_id bigint NOT NULL, payload text NOT NULL, answer text
);
CREATE INDEX ON bare_attempt (log_id);
CREATE TABLE bare_record (salesforce_id text PRIMARY KEY, log_id bigint NOT NULL, made timestamptz DEFAULT now());
"""
CLAIM = """
UPDATE bare_due SET due_at = now() + interval '10 minutes' WHERE id IN (
    SELECT id FROM bare_due WHERE due_at <= now() ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id
"""
READ = "SELECT id, recipient, subject, body FROM bare_log WHERE id = ANY(%s)"
RECORD = """
UPDATE bare_log SET state = 1, salesforce_id = new.salesforce_id
FROM unnest(%s::bigint[], %s::text[]) AS new(id, salesforce_id) WHERE bare_log.id = new.id
"""


class BarePipeline:
    """Runs on the same database server and against the same Salesforce as the product."""

    def __init__(self, database_url: str, instance_url: str, ca_bundle: str, token: str, *, keep_log: bool) -> None:
        self.database = psycopg.connect(database_url, autocommit=True)
        parts = urlsplit(instance_url)
        context = ssl.create_default_context(cafile=ca_bundle)
        assert parts.hostname
        self.http = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.keep_log = keep_log
        self.people: dict[str, str] = {}
        self.calls = 0

    def fill(self, rows: list[tuple[str, str, str]]) -> None:
        """Begin anew with a backlog of (recipient, subject, body)."""
        self.database.execute(SCHEMA)
        with self.database.cursor() as cursor:
            with cursor.copy("COPY bare_log (id, recipient, subject, body) FROM STDIN") as copy:
                for number, row in enumerate(rows):
                    copy.write_row((number, *row))
            cursor.execute("INSERT INTO bare_due (id) SELECT id FROM bare_log")
        self.people, self.calls = {}, 0

    def drain(self) -> int:
        """Send everything that is due; returns how many rows were created."""
        done = 0
        while claimed := [row[0] for row in self.database.execute(CLAIM, (BATCH,)).fetchall()]:
            rows = self.database.execute(READ, (claimed,)).fetchall()
            self.find_people({row[1] for row in rows} - self.people.keys())
            done += self.send(rows)
        return done

    def find_people(self, addresses: set[str]) -> None:
        """Two look-ups, Contact and Lead, for the addresses that are not known yet."""
        if not addresses:
            return
        listed = ",".join(f"'{address}'" for address in sorted(addresses))
        for kind in ("Contact", "Lead"):
            query = f"SELECT Id, Email FROM {kind} WHERE Email IN ({listed})"
            answer = self.call("GET", f"/services/data/v62.0/query?q={quote(query)}")
            for found in answer["records"]:
                self.people[found["Email"]] = found["Id"]

    def send(self, rows: list[tuple]) -> int:
        """Create one Task a row and write down what came of it."""
        records = [
            {
                "attributes": {"type": "Task"},
                "Subject": subject,
                "Description": body,
                "WhoId": self.people[recipient],
                "Status": "Completed",
                "ActivityDate": "2026-11-20",
                "CallObject": f"bare:{number}",
            }
            for number, recipient, subject, body in rows
        ]
        answer = self.call(
            "POST", "/services/data/v62.0/composite/sobjects", {"allOrNone": False, "records": records}
        )
        numbers, ids = [row[0] for row in rows], [result["id"] for result in answer]
        with self.database.transaction():
            self.database.execute(RECORD, (numbers, ids))
            self.database.execute("DELETE FROM bare_due WHERE id = ANY(%s)", (numbers,))
            if self.keep_log:
                self.keep(numbers, ids, records, answer)
        return len(ids)

    def keep(self, numbers: list[int], ids: list[str], records: list[dict], answer: list[dict]) -> None:
        """Attempt and record rows, as the product keeps them."""
        self.database.execute(
            "INSERT INTO bare_attempt (log_id, payload, answer)"
            " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])",
            (numbers, [json.dumps(record) for record in records], [json.dumps(row) for row in answer]),
        )
        self.database.execute(
            "INSERT INTO bare_record (salesforce_id, log_id) SELECT * FROM unnest(%s::text[], %s::bigint[])",
            (ids, numbers),
        )

    def call(self, method: str, path: str, body: object = None):
        """One request over the kept connection."""
        self.calls += 1
        self.http.request(method, path, json.dumps(body) if body else None, self.headers)
        answer = self.http.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 200, content
        return content
