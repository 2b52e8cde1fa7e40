"""A whole Touchline of real processes, for tests that look at it from outside: web server, workers, database."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config import postgres
from config.outbox import Letter, letters
from tests import leak_net

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 60  # seconds that a process may take to come up on a busy machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def own_database(name: str) -> Iterator[str]:
    """A new, empty database on the embedded server; yields its URL and drops it after."""
    url = os.environ.get("DATABASE_URL") or postgres.ensure_running()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Installation:
    """One Touchline with everything real. `stand_in` plays Salesforce; mail is written to a folder."""

    def __init__(self, folder: Path, database_url: str, stand_in, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.mail = folder / "mail"
        self.mail.mkdir()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "1",
            "SECRET_KEY": secrets.token_urlsafe(40),
            "FIELD_ENCRYPTION_KEYS": f"k1:{b64encode(secrets.token_bytes(32)).decode()}",
            "DATABASE_URL": database_url,
            "BASE_URL": self.base_url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "EMAIL_URL": self.mail.as_uri(),
            "QUEUE_WORKERS": "2",
            "SYNC_BATCH_WINDOW": "0.2",
            "SALESFORCE_CLIENT_ID": stand_in.client_id,
            "SALESFORCE_CLIENT_SECRET": stand_in.client_secret,
            "SALESFORCE_LOGIN_URL": stand_in.login_url,
            "SALESFORCE_SANDBOX_LOGIN_URL": stand_in.login_url,
            "SALESFORCE_EXTRA_HOSTS": ",".join(stand_in.extra_hosts),
            "SALESFORCE_CA_BUNDLE": str(stand_in.ca_bundle),
            **environment,
        }

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def start_web(self) -> None:
        """Start the production web server and wait until it answers."""
        self.start(
            "web",
            *("-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{self.port}"),
            *("--worker-class", "gthread", "--workers", "1", "--threads", "6", "--timeout", "120"),
        )
        self.wait_for("the web server", self.is_up)

    def start_worker(self, name: str = "worker") -> None:
        """Start the queue's processes."""
        self.start(name, "manage.py", "qcluster")

    def start(self, name: str, *arguments: str) -> None:
        """Start a Python process in a group of its own; its output goes to a file of the folder."""
        with (self.folder / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_up(self) -> bool:
        """Whether /healthz answers 200."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def wait_for(self, what: str, happened, limit: float = START_LIMIT) -> None:
        """Ask every 100 ms until it happened; fails with the logs after `limit` seconds."""
        deadline = time.monotonic() + limit
        while not happened():
            assert time.monotonic() < deadline, f"{what} did not come within {limit} s\n{self.logs()}"
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended with {process.returncode}\n{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """The last lines of every process."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-40:])
            for path in sorted(self.folder.glob("*.log"))
        )

    def letters_to(self, address: str) -> list[Letter]:
        """What was mailed to an address, newest first."""
        return [letter for letter in letters(self.mail) if letter.to == address]

    def stop(self) -> None:
        """End every process, with its children, and look whether they left a secret behind."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
        leak_net.search_files(self.folder)
        leak_net.search_tables(self.environment["DATABASE_URL"])
