"""The installation under faults: its database server, its processes, Salesforce, and the people who use it."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from config import postgres
from tests.faults import salesforce as sf
from tests.faults.durations import SWEEP_EVERY
from tests.faults.points import Points
from tests.processes import ROOT, free_port


@dataclass
class Slot:
    """A workspace of its own with one org, its Sync User and one member."""

    number: int
    workspace: Any
    membership: Any
    connection_id: int
    key: str
    used: int = 0

    @property
    def user(self) -> str:
        """The member's name in Salesforce."""
        return sf.member(self.number)

    @property
    def address(self) -> str:
        """The member's address here."""
        return f"ben@team{self.number}.example"


class World:
    """Everything that runs. Make it with `world()`."""

    def __init__(self, folder: Path, salesforce: sf.Salesforce, workers: int, **environment: str) -> None:
        self.folder, self.salesforce, self.workers = folder, salesforce, workers
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.clock = folder / "clock"
        self.clock.write_text("0")
        self.port = free_port()
        self.slots: list[Slot] = []
        os.environ["EMBEDDED_POSTGRES_DIR"] = str(folder / "postgres")
        self.database_url = postgres.ensure_running()
        os.environ.update(self._environment(environment))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self.points = Points(self.database_url)
        self.points.install()
        self.swept = 0.0

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        stand_in = self.salesforce
        return {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATABASE_URL": self.database_url,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEYS": f"k1:{b64encode(secrets.token_bytes(32)).decode()}",
            "FAULTS_CLOCK": str(self.clock),
            "QUEUE_WORKERS": str(self.workers),
            "SALESFORCE_CLIENT_ID": stand_in.client_id,
            "SALESFORCE_CLIENT_SECRET": stand_in.client_secret,
            "SALESFORCE_LOGIN_URL": stand_in.login_url,
            "SALESFORCE_SANDBOX_LOGIN_URL": stand_in.login_url,
            "SALESFORCE_EXTRA_HOSTS": ",".join(stand_in.extra_hosts),
            "SALESFORCE_CA_BUNDLE": str(stand_in.ca_bundle),
            **more,
        }

    # --- People -------------------------------------------------------------------------------------------

    def make_slots(self, count: int) -> None:
        """Connect the Sync User and the member of each slot through the whole sign-in."""
        self.slots = [self._make_slot(number) for number in range(count)]

    def _make_slot(self, number: int) -> Slot:
        from activity.settings import confirm
        from integrations import api_keys
        from integrations.connections import connection_of
        from integrations.models import Intent
        from tests.people import make_person
        from workspaces import members

        ada = members.create_workspace(f"Team {number}", make_person("Ada", f"team{number}.example"))
        ben = members.add(ada.workspace, make_person("Ben", f"team{number}.example"))
        self.connect(ada, sf.sync_user(number), Intent.SYNC_USER)
        confirm(ada.role, {}, ada.user)
        self.connect(ben, sf.member(number), Intent.MEMBER)
        connection = connection_of(ben)
        assert connection is not None
        key = api_keys.create(ada.workspace, "script", ada.user)[1]
        return Slot(number, ada.workspace, ben, connection.pk, key)

    def connect(self, membership: Any, as_user: str, intent: Any) -> None:
        """Sign in at Salesforce and confirm."""
        from integrations import grants, sign_in
        from integrations.models import Issuer

        session_key = f"session-{membership.pk}-{intent}"
        _, url = sign_in.begin(membership.user, membership.workspace, session_key, intent, Issuer.PRODUCTION)
        callback = urlsplit(self.salesforce.log_in(url, as_user))
        pending = sign_in.complete(Issuer.PRODUCTION, dict(parse_qsl(callback.query)), membership.user, session_key)
        grants.confirm(pending, membership.user)

    # --- Activities ---------------------------------------------------------------------------------------

    def items(self, slot: Slot, tags: list[str], *, address: str = "") -> list[Any]:
        """A mail for each tag; a tag that ends in "e" is a meeting. The tag is what is counted in Salesforce."""
        from activity.models import Kind
        from activity.pipeline.captured import Attendee, Captured, CapturedMeeting, CapturedMessage, Person

        noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
        nora = address or sf.contact(slot.number)
        found = []
        for tag in tags:
            if tag.endswith("e"):
                slot.used += 1
                start = noon + timedelta(days=5, minutes=slot.used)
                meeting = CapturedMeeting(
                    uid=tag,
                    title=tag,
                    start=start,
                    end=start + timedelta(hours=1),
                    organizer=Person(slot.address),
                    attendees=(Attendee(nora, "Nora"), Attendee(slot.address)),
                )
                found.append(Captured(tag, slot.address, Kind.MEETING_CONFIRMED, noon, meeting=meeting))
            else:
                message = CapturedMessage(tag, tag, Person(slot.address), (Person(nora),), text="Dear Nora,\nhere.")
                found.append(Captured(tag, slot.address, Kind.SENT, noon, message=message))
        return found

    def report(self, slot: Slot, tags: list[str], address: str = "") -> list[str]:
        """Report them through capture(); returns the tags that were accepted."""
        from activity.models import Source
        from activity.pipeline.capture import capture

        results = capture(slot.workspace, Source.API, self.items(slot, tags, address=address))
        assert all(each.status == "accepted" for each in results), results
        return tags

    # --- Processes ----------------------------------------------------------------------------------------

    def start(self, name: str, *arguments: str, **environment: str) -> None:
        """Start a Python process in a group of its own; its output goes to a file of the folder."""
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_cluster(self, name: str = "cluster", **environment: str) -> None:
        """The queue's workers under their watchdog."""
        self.start(name, "-m", "config.queue_watchdog", "--stall-limit", "6", "--stop-grace", "12", **environment)

    def start_web(self) -> None:
        """The web server, for reports over the API."""
        self.start(
            "web",
            *("-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{self.port}"),
            *("--worker-class", "gthread", "--workers", "3", "--threads", "4", "--timeout", "60"),
        )

    def is_web_up(self) -> bool:
        """Whether /healthz answers 200."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def cluster_group(self, name: str = "cluster") -> int | None:
        """The process group of the cluster under a watchdog."""
        return next(iter(children_of(self.processes[name].pid)), None)

    def kill_cluster(self, name: str = "cluster") -> None:
        """kill -9 for every process of the cluster; the watchdog stays."""
        group = self.cluster_group(name)
        if group:
            kill(group, signal.SIGKILL, group=True)

    def end(self, name: str) -> None:
        """End a process with all below it, at once."""
        process = self.processes.pop(name)
        for child in children_of(process.pid):
            kill(child, signal.SIGKILL, group=True)
        kill(process.pid, signal.SIGKILL, group=True)
        process.wait()

    def sweep_if_due(self) -> None:
        """The ticker: queue a sweep, as the schedule does each minute."""
        if time.monotonic() - self.swept < SWEEP_EVERY:
            return
        self.swept = time.monotonic()
        self.queue("activity.tasks.sweep")

    def queue(self, task: str, *arguments: int) -> None:
        """Put a task into the queue."""
        from django.db import DatabaseError, connection
        from django_q.tasks import async_task

        try:
            connection.close_if_unusable_or_obsolete()
            async_task(task, *arguments)
        except DatabaseError:
            connection.close()

    def restart_database(self) -> None:
        """As a crash: no process of the server says good-bye."""
        from django.db import connection

        pid = int((postgres.locate_server(postgres.base_directory()).data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        postgres.ensure_running()
        connection.close()
        self.points.reconnect()

    def move_clock(self, seconds: float) -> None:
        """Set how far this machine's clock is off."""
        moved = self.clock.with_suffix(".new")
        moved.write_text(str(seconds))
        moved.rename(self.clock)

    def wait_for(self, happened: Callable[[], bool], limit: float, *, sweeps: bool = True) -> bool:
        """Ask every 50 ms until it happened; False after `limit` seconds."""
        deadline = time.monotonic() + limit
        while not happened():
            if time.monotonic() > deadline:
                return False
            if sweeps:
                self.sweep_if_due()
            time.sleep(0.05)
        return True

    def logs(self) -> str:
        """The last lines of every process."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-30:])
            for path in sorted(self.folder.glob("*.log"))
        )

    def stop(self) -> None:
        """End everything."""
        for name in list(self.processes):
            self.end(name)
        from django.db import connections

        connections.close_all()
        self.points.session.close()
        postgres.stop()


def children_of(parent: int) -> list[int]:
    """The processes that a process forked."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def kill(process: int, number: signal.Signals, *, group: bool = False) -> bool:
    """Send a signal to a process of ours; False when it is gone."""
    try:
        (os.killpg if group else os.kill)(process, number)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def world(slots: int, workers: int, *, runs: bool = True, **environment: str) -> Iterator[World]:
    """A whole installation with so many slots, its cluster running if `runs`; ended at the end of the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchline-faults-")))
        folder.chmod(0o755)
        server = stack.enter_context(sf.salesforce(slots))
        made = World(folder, server, workers, **environment)
        stack.callback(made.stop)
        made.make_slots(slots)
        if runs:
            made.start_cluster()
        yield made
