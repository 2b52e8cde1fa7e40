"""The baseline: what the pipeline does at its barest, psycopg and http.client, no Django.

Claims 200 due rows by a lease in a narrow table, looks their addresses up, creates 200 Tasks in one call, writes the
ids back. That is the plain one: it asks for ids and keeps results only. With `keep_log` it asks Salesforce for what
the product asks (owner, account, what became of a lead, open opportunities) and keeps what the product keeps, in as
few statements as it can: the people that were found, an attempt with its payload committed before the call and
completed after it, the decision's trace, the record's row, a log row with the columns and indexes that the pages
need, and no text of a mail any longer than it is needed. That one is like with like.

What it never does: ask whether it may send (turns, budget, standing), order one message's activities, choose between
several people, heed a role's settings or the org's describe, or tell what happened when a call fails.
"""

import gzip
import http.client
import json
import ssl
import time
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

import psycopg

BATCH = 200
VERSION = "/services/data/v62.0"
SCHEMA = """
DROP TABLE IF EXISTS bare_due, bare_log, bare_attempt, bare_record, bare_trace, bare_person;
CREATE TABLE bare_due (id bigint PRIMARY KEY, due_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 50);
CREATE INDEX ON bare_due (due_at);
CREATE TABLE bare_log (
    id bigint PRIMARY KEY, owner bigint NOT NULL DEFAULT 1, made timestamptz NOT NULL DEFAULT now(),
    recipient text NOT NULL, subject text NOT NULL, body text NOT NULL, state smallint NOT NULL DEFAULT 0,
    salesforce_id text, person_id text, person_name text, finished timestamptz
);
"""
LOG_SCHEMA = """
CREATE INDEX ON bare_log (owner, made DESC, id DESC);
CREATE INDEX ON bare_log (made DESC, id DESC);
CREATE INDEX ON bare_log (id DESC) WHERE state > 1;
CREATE TABLE bare_attempt (
    log_id bigint, number int, payload text NOT NULL, answer text NOT NULL DEFAULT '',
    started timestamptz NOT NULL DEFAULT now(), ended timestamptz, PRIMARY KEY (log_id, number)
);
CREATE TABLE bare_person (address text PRIMARY KEY, found jsonb NOT NULL, asked timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare_trace (log_id bigint PRIMARY KEY, content jsonb NOT NULL);
CREATE TABLE bare_record (
    key text PRIMARY KEY, salesforce_id text UNIQUE, log_id bigint NOT NULL, recipient text NOT NULL,
    made timestamptz DEFAULT now()
);
"""
PERSON = "Id,Email,Name,OwnerId,CreatedDate,SystemModstamp,IsDeleted,MasterRecordId"
COLUMNS = {
    "Contact": f"{PERSON},AccountId,Account.Name",
    "Lead": f"{PERSON},IsConverted,ConvertedContactId,Company,ConvertedAccountId,ConvertedOpportunityId",
}
OPPORTUNITIES = (
    "SELECT ContactId,IsPrimary,Opportunity.Id,Opportunity.Name,Opportunity.IsClosed,Opportunity.CloseDate,"
    "Opportunity.OwnerId,Opportunity.AccountId,Opportunity.LastModifiedDate,Opportunity.Amount"
    " FROM OpportunityContactRole WHERE ContactId IN ({}) AND Opportunity.IsClosed = false"
)
CLAIM = """
UPDATE bare_due SET due_at = now() + interval '10 minutes' WHERE id IN (
    SELECT id FROM bare_due WHERE due_at <= now() AND id %% %s = %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id
"""
READ = "SELECT id, recipient, subject, body FROM bare_log WHERE id = ANY(%s)"
BEGIN_ATTEMPTS = """
INSERT INTO bare_attempt (log_id, number, payload)
SELECT id, 1, payload FROM unnest(%s::bigint[], %s::text[]) AS v(id, payload)
"""
WRITE_TRACES = """
INSERT INTO bare_trace SELECT id, content::jsonb FROM unnest(%s::bigint[], %s::text[]) AS v(id, content)
"""
REMEMBER = """
INSERT INTO bare_person (address, found)
SELECT address, found::jsonb FROM unnest(%s::text[], %s::text[]) AS v(address, found) ORDER BY address
ON CONFLICT (address) DO UPDATE SET found = excluded.found, asked = now()
"""
RECORD = """
UPDATE bare_log SET state = 1, salesforce_id = new.salesforce_id
FROM unnest(%s::bigint[], %s::text[]) AS new(id, salesforce_id) WHERE bare_log.id = new.id
"""
RECORD_ALL = """
UPDATE bare_log SET state = 1, salesforce_id = new.salesforce_id, person_id = new.person_id, person_name = new.name,
                    finished = now(), body = ''
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS new(id, salesforce_id, person_id, name)
WHERE bare_log.id = new.id
"""
END_ATTEMPTS = """
UPDATE bare_attempt SET answer = v.answer, ended = now()
FROM unnest(%s::bigint[], %s::text[]) AS v(id, answer) WHERE log_id = v.id AND number = 1
"""
KEEP_RECORDS = """
INSERT INTO bare_record (key, salesforce_id, log_id, recipient)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[])
"""


class BarePipeline:
    """Runs on the same database server and against the same Salesforce as the product. One lane of `lanes`."""

    def __init__(
        self,
        database_url: str,
        instance_url: str,
        ca_bundle: str,
        token: str,
        *,
        keep_log: bool,
        lane: int = 0,
        lanes: int = 1,
    ) -> None:
        self.database = psycopg.connect(database_url, autocommit=True)
        parts = urlsplit(instance_url)
        context = ssl.create_default_context(cafile=ca_bundle)
        assert parts.hostname
        self.http = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept-Encoding": "gzip",
        }
        self.keep_log, self.lane, self.lanes = keep_log, lane, lanes
        self.people: dict[str, str] = {}
        self.calls = 0

    def fill(self, rows: list[tuple[str, str, str]]) -> None:
        """Begin anew with a backlog of (recipient, subject, body)."""
        self.database.execute(SCHEMA + (LOG_SCHEMA if self.keep_log else ""))
        with self.database.cursor() as cursor:
            with cursor.copy("COPY bare_log (id, recipient, subject, body) FROM STDIN") as copy:
                for number, row in enumerate(rows):
                    copy.write_row((number, *row))
            cursor.execute("INSERT INTO bare_due (id) SELECT id FROM bare_log")
        self.database.execute("VACUUM ANALYZE bare_log, bare_due")
        self.people, self.calls = {}, 0

    def know(self, people: dict[str, str]) -> None:
        """Begin with these people (ids by address) known."""
        self.people = dict(people)

    def drain(self) -> int:
        """Send everything that is due; returns how many rows were created."""
        done = 0
        while claimed := self.database.execute(CLAIM, (self.lanes, self.lane, BATCH)).fetchall():
            rows = self.database.execute(READ, ([row[0] for row in claimed],)).fetchall()
            self.find_people({row[1] for row in rows} - self.people.keys())
            done += self.send(rows)
        return done

    def find_people(self, addresses: set[str]) -> None:
        """Contacts and Leads of unknown addresses: ids alone, or all that the product asks for and keeps."""
        if not addresses:
            return
        listed = quoted(addresses)
        if not self.keep_log:
            for kind in COLUMNS:
                answer = self.call("GET", query_path(f"SELECT Id, Email FROM {kind} WHERE Email IN ({listed})"))
                self.people |= {found["Email"]: found["Id"] for found in answer["records"]}
            return
        contacts, leads = self.query(
            f"SELECT {columns} FROM {kind} WHERE Email IN ({listed})" for kind, columns in COLUMNS.items()
        )
        (roles,) = self.query([OPPORTUNITIES.format(quoted(each["Id"] for each in contacts))])
        known = {each["Email"]: each for each in [*leads, *contacts]}
        of_contact = {each["ContactId"]: each["Opportunity"] for each in roles}
        contents = [
            json.dumps([known[address], of_contact.get(known[address]["Id"])] if address in known else [])
            for address in addresses
        ]
        self.database.execute(REMEMBER, (list(addresses), contents))
        self.people |= {address: each["Id"] for address, each in known.items()}

    def query(self, queries: Iterable[str]) -> list[list[dict]]:
        """The rows of each query, all in one call."""
        requests = [
            {"method": "GET", "url": query_path(query), "referenceId": f"q{number}"}
            for number, query in enumerate(queries)
        ]
        body = {"allOrNone": False, "compositeRequest": requests}
        answer = self.call("POST", f"{VERSION}/composite", body)
        return [each["body"]["records"] for each in answer["compositeResponse"]]

    def send(self, rows: list[tuple]) -> int:
        """Create one Task a row and write down what came of it."""
        records = [self.compose(*row) for row in rows]
        numbers = [row[0] for row in rows]
        if self.keep_log:
            self.begin_attempts(numbers, records)
        answer = self.call("POST", f"{VERSION}/composite/sobjects", {"allOrNone": False, "records": records})
        ids = [result["id"] for result in answer]
        with self.database.transaction():
            if self.keep_log:
                self.keep(rows, ids, answer)
            else:
                self.database.execute(RECORD, (numbers, ids))
            self.database.execute("DELETE FROM bare_due WHERE id = ANY(%s)", (numbers,))
        return len(ids)

    def compose(self, number: int, recipient: str, subject: str, body: str) -> dict[str, object]:
        """The Task's fields."""
        return {
            "attributes": {"type": "Task"},
            "Subject": f"Sent (New): {subject}",
            "ActivityDate": "2026-11-20",
            "Status": "Completed",
            "TaskSubtype": "Email",
            "WhoId": self.people[recipient],
            "Description": f"From: Ben <ben@acme.example>\nTo: {recipient}\n\n{body}",
            "CallObject": f"touchline:{number:026d}",
            "IsReminderSet": False,
        }

    def begin_attempts(self, numbers: list[int], records: list[dict]) -> None:
        """What is about to be sent and why, committed before the call."""
        traces = [
            json.dumps({"settings_version": 1, "fields": list(record), "candidates": [{"id": record["WhoId"]}]})
            for record in records
        ]
        with self.database.transaction():
            self.database.execute(BEGIN_ATTEMPTS, (numbers, [json.dumps(record) for record in records]))
            self.database.execute(WRITE_TRACES, (numbers, traces))

    def keep(self, rows: list[tuple], ids: list[str], answer: list[dict]) -> None:
        """The log row as the pages show it, the attempt's answer, the record's row."""
        numbers, people = [row[0] for row in rows], [self.people[row[1]] for row in rows]
        keys = [f"{number:026d}" for number in numbers]
        self.database.execute(RECORD_ALL, (numbers, ids, people, [row[1] for row in rows]))
        self.database.execute(END_ATTEMPTS, (numbers, [json.dumps(row) for row in answer]))
        self.database.execute(KEEP_RECORDS, (keys, ids, numbers, [row[1] for row in rows]))

    def call(self, method: str, path: str, body: object = None):
        """One request over the kept connection."""
        self.calls += 1
        self.http.request(method, path, json.dumps(body) if body else None, self.headers)
        answer = self.http.getresponse()
        body = answer.read()
        content = json.loads(gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body)
        assert answer.status == 200, content
        return content

    def close(self) -> None:
        """End both connections."""
        self.database.close()
        self.http.close()


def quoted(values: Iterable[str]) -> str:
    """For an IN list."""
    return ",".join(f"'{value}'" for value in sorted(values))


def query_path(query: str) -> str:
    """Where a query is asked."""
    return f"{VERSION}/query?q={quote(query)}"


def wait_until(moment: float) -> None:
    """Begin together: sleep until then (time.time's seconds)."""
    time.sleep(max(0.0, moment - time.time()))
