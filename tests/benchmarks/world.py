"""Everything a benchmark runs on: a PostgreSQL of its own, the stand-in in another process, people, backlogs.

The server is not the one of the tests and the demo, so that its processor time and its log are ours alone. It does
not vacuum by itself (that would fall into anybody's run); every table is vacuumed and analysed before each run.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.benchmarks.meter import postmaster_pid
from tests.benchmarks.remote import RemoteStandIn, remote_stand_in

if TYPE_CHECKING:
    from activity.pipeline.captured import Captured
    from integrations.models import Connection
    from workspaces.models import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
BODY = "Dear {name},\n\nthank you for your time today. As promised, here is the offer for {number} seats.\n\n" + (
    "It includes the onboarding, the support plan and the training days that we talked about. " * 8
)
"""About 800 characters: an ordinary mail."""
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PER_PERSON = 5  # activities to one address, so that a fifth of the addresses of a backlog is distinct


class World:
    """The database's URL, Salesforce, and who is connected."""

    def __init__(self, url: str, stand_in: RemoteStandIn) -> None:
        from tests.integrations.journeys import BEN, SYNC

        self.url, self.stand_in = url, stand_in
        with psycopg.connect(url, autocommit=True) as connection:
            self.postmaster = postmaster_pid(connection)
        self.addresses: list[str] = []
        self.workspace, self.ada = make_workspace("Acme", "acme.example", stand_in, SYNC)
        self.connection = self.make_connection("Ben", BEN)
        self.token = _access_token(self.connection)
        self.reported = 0

    def enqueued(self) -> int:
        """How many tasks were ever put into the queue."""
        with psycopg.connect(self.url) as connection:
            (last,) = connection.execute("SELECT last_value FROM django_q_ormq_id_seq").fetchone()
        return last

    @property
    def instance_url(self) -> str:
        """The org's address."""
        return self.connection.instance_url

    def make_connection(self, name: str, email: str, workspace: "Workspace | None" = None) -> "Connection":
        """A member of the workspace, or of another one, connected as that Salesforce user."""
        from integrations.connections import connection_of
        from integrations.models import Intent
        from tests.activity.stories import connect
        from tests.people import make_person
        from workspaces import members

        member = members.add(workspace or self.workspace, make_person(name))
        connect(self.stand_in, member, email, Intent.MEMBER)  # type: ignore[arg-type]
        found = connection_of(member)
        assert found
        return found

    def know_people(self, count: int) -> None:
        """Let the org have so many Contacts."""
        wanted = [f"person{number}@customer{number % 40}.example" for number in range(len(self.addresses), count)]
        self.stand_in.ask("make_contacts", addresses=wanted)
        self.addresses += wanted

    def rows(self, count: int) -> list[tuple[str, str, str]]:
        """A backlog for the bare pipeline: recipient, subject, body."""
        self.know_people(count // PER_PERSON)
        return [
            (
                self.addresses[number % (count // PER_PERSON)],
                f"Offer {number}",
                BODY.format(name=f"Person {number}", number=number),
            )
            for number in range(count)
        ]

    def report(self, count: int) -> None:
        """Capture a backlog of the same content."""
        self.report_rows(self.rows(count))

    def report_rows(self, rows: list[tuple[str, str, str]], connection: "Connection | None" = None) -> None:
        """Capture these, 500 at a time."""
        from activity.models import Source
        from activity.pipeline.capture import capture

        owner = (connection or self.connection).membership
        for start in range(0, len(rows), 500):
            items = [self._captured(owner.user.email, *row) for row in rows[start : start + 500]]
            assert all(each.status == "accepted" for each in capture(owner.workspace, Source.API, items))

    def report_one(self) -> None:
        """Capture one activity with a known address."""
        from activity.models import Source
        from activity.pipeline.capture import capture

        owner = self.connection.membership
        address = self.addresses[self.reported % len(self.addresses)]
        item = self._captured(owner.user.email, address, f"Offer {self.reported}", "As promised.")
        assert [each.status for each in capture(owner.workspace, Source.API, [item])] == ["accepted"]

    def make_addresses_known(self, at: datetime) -> None:
        """Remember 50 people of the org, as if they had been looked up at that time (UTC)."""
        from activity.models import KnownPerson
        from activity.pipeline.match import find_people
        from integrations.connections import sync_client

        self.forget_people()
        self.know_people(50)
        client = sync_client(self.workspace)
        assert client
        find_people(self.workspace, self.addresses, client, at)
        assert KnownPerson.objects.count() == len(self.addresses)

    def _captured(self, user: str, recipient: str, subject: str, body: str) -> "Captured":
        from activity.models import Kind
        from activity.pipeline.captured import Captured, CapturedMessage, Person

        self.reported += 1
        return Captured(
            source_id=f"sent-{self.reported}",
            user=user,
            kind=Kind.SENT,
            occurred_at=NOON,
            message=CapturedMessage(
                message_id=f"m{self.reported}@acme.example",
                subject=subject,
                sender=Person(user, "Ben"),
                to=(Person(recipient),),
                text=body,
            ),
        )

    def forget_people(self) -> None:
        """No address is remembered: the next run begins cold."""
        from activity.models import KnownPerson

        KnownPerson.objects.all().delete()

    def tidy(self) -> None:
        """What autovacuum would do between the runs, and a checkpoint."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def clear(self) -> None:
        """Begin anew: nothing was ever reported."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "TRUNCATE activity_activity, activity_message, activity_meeting, activity_syncattempt,"
                " activity_decisiontrace, activity_loggedrecord, activity_ledgerentry, activity_logchange,"
                " activity_rowcountchange, activity_rowcountsum, activity_wakeup, activity_drain,"
                " django_q_ormq CASCADE"
            )
        self.stand_in.ask("forget_tasks")


def make_workspace(name: str, domain: str, stand_in: RemoteStandIn, sync_user: str):
    """A workspace with its Sync User, whose role is confirmed; and its admin."""
    from activity.settings import confirm
    from integrations.models import Intent
    from tests.activity.stories import connect
    from tests.people import make_person
    from workspaces import members

    admin = members.create_workspace(name, make_person("Ada", domain))
    admin.workspace.own_domains = [domain]
    admin.workspace.save()
    connect(stand_in, admin, sync_user, Intent.SYNC_USER)  # type: ignore[arg-type]
    confirm(admin.role, {}, admin.user)
    return admin.workspace, admin


def _access_token(connection: "Connection") -> str:
    from integrations import tokens

    return tokens.current(connection.pk).access_token.reveal()


@contextmanager
def own_server() -> Iterator[str]:
    """PostgreSQL for the benchmarks alone; yields the URL of a new database."""
    os.environ.pop("DATABASE_URL", None)
    # Two benchmarks at once need a server each: what one of them costs is read off its server.
    os.environ["EMBEDDED_POSTGRES_DIR"] = str(ROOT / ".data" / f"benchmarks{os.environ.get('TEST_DB_SUFFIX', '')}")
    from config import postgres

    name = f"bench_{uuid.uuid4().hex[:8]}"
    main = postgres.ensure_running()
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
        connection.execute("ALTER SYSTEM SET wal_keep_size = '2GB'")
        connection.execute("ALTER SYSTEM SET checkpoint_timeout = '1h'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield main.rpartition("/")[0] + f"/{name}"
    finally:
        with psycopg.connect(main, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        postgres.stop_unless_used()


@contextmanager
def open_world() -> Iterator[World]:
    """Set up everything, Django included; may be entered once in a process."""
    with own_server() as url, remote_stand_in() as stand_in:
        os.environ |= stand_in.settings | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        try:
            yield World(url, stand_in)
        finally:
            connections.close_all()


@contextmanager
def process_of(world: World, *arguments: str, **environment: str) -> Iterator[subprocess.Popen]:
    """A Python process of the product as in production, on the world's database; ended after."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": world.url,
        "DEBUG": "0",
        "LOG_LEVEL": "WARNING",
        "SYNC_BATCH_WINDOW": "0.2",
    }
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | settings | environment, start_new_session=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def wait_for(what: str, happened: Callable[[], bool], limit: float = 60) -> None:
    """Ask every 20 ms until it happened; raises TimeoutError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)
