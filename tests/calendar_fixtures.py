"""A real calendar server for tests: Radicale over TLS, with a configuration, a port and passwords of its own."""

import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from integrations.salesforce.stand_in.certificates import ensure_certificates
from tests.processes import free_port

CALENDAR_PASSWORD = "canary-calendar-p\u00e4ssword"
USERS = tuple(f"person{number}" for number in range(200))

CONFIGURATION = """
[server]
hosts = 127.0.0.1:{port}
ssl = True
certificate = {folder}/stand-in-server.pem
key = {folder}/stand-in-server.pem
max_connections = 200
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[logging]
level = warning
"""


class Radicale:
    """The server. USERS are let in with CALENDAR_PASSWORD; each test takes one of its own by `new_user`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host, self.port = folder, "localhost", free_port()
        self.ca_bundle, _ = ensure_certificates(folder)
        self._context = ssl.create_default_context(cafile=str(self.ca_bundle))
        self._unused = list(USERS)
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "config").write_text(CONFIGURATION.format(folder=folder, port=self.port))
        (folder / "users").write_text("".join(f"{user}:{CALENDAR_PASSWORD}\n" for user in USERS))

    @property
    def extra_host(self) -> str:
        """As MAILBOX_EXTRA_HOSTS wants it."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The server's address."""
        return f"https://{self.extra_host}/"

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "radicale", "--config", str(self.folder / "config")]
        if shutil.which("setpriv"):  # a test run that is killed leaves no server behind
            command = ["setpriv", "--pdeathsig", "TERM", *command]
        log = (self.folder / "radicale.log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ask("GET", "/.web/", USERS[0])
                return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "radicale.log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it; all connections end."""
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def new_user(self) -> str:
        """A user whom no other test has."""
        return self._unused.pop()

    def ask(self, method: str, path: str, user: str, body: str = "", **headers: str) -> bytes:
        """What another calendar program of this user does. Raises OSError for a refusal."""
        request = urllib.request.Request(f"{self.url.rstrip('/')}{path}", body.encode() or None, method=method)
        request.add_header("Authorization", "Basic " + b64encode(f"{user}:{CALENDAR_PASSWORD}".encode()).decode())
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        with urllib.request.urlopen(request, timeout=20, context=self._context) as answer:
            return answer.read()

    def make_calendar(self, user: str, name: str = "office", title: str = "Work", kind: str = "VEVENT") -> str:
        """A new calendar; returns its URL."""
        self.ask(
            "MKCALENDAR",
            f"/{user}/{name}/",
            user,
            '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
            f"<d:displayname>{title}</d:displayname><c:supported-calendar-component-set>"
            f'<c:comp name="{kind}"/></c:supported-calendar-component-set></d:prop></d:set></c:mkcalendar>',
        )
        return f"{self.url}{user}/{name}/"

    def put(self, user: str, name: str, entry: str, calendar: str = "office") -> None:
        """Another calendar program saves an entry."""
        self.ask("PUT", f"/{user}/{calendar}/{name}.ics", user, entry, Content_Type="text/calendar")

    def delete(self, user: str, name: str, calendar: str = "office") -> None:
        """Another calendar program deletes an entry."""
        self.ask("DELETE", f"/{user}/{calendar}/{name}.ics", user)


def next_day(days: int, hour: int = 10) -> datetime:
    """A full hour some days from now, UTC."""
    return datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=days)


def event(uid: str, start: datetime, *more: str, sequence: int = 0, hours: float = 1, **words: str) -> str:
    """A VEVENT to which Ben invited Nora, who accepted; `more`: further lines."""
    stamp = "%Y%m%dT%H%M%SZ"
    organizer = words.get("organizer", "ben@acme.example")
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{datetime.now(UTC):{stamp}}",
        f"SEQUENCE:{sequence}",
        f"DTSTART:{start.astimezone(UTC):{stamp}}",
        f"DTEND:{start.astimezone(UTC) + timedelta(hours=hours):{stamp}}",
        f"SUMMARY:{words.get('title', 'Product demo')}",
        f"ORGANIZER;CN=Organizer:mailto:{organizer}",
        "ATTENDEE;CN=Ben;PARTSTAT=ACCEPTED:mailto:ben@acme.example",
        f"ATTENDEE;CN=Nora West;PARTSTAT={words.get('partstat', 'ACCEPTED')}:mailto:{words.get('guest', GUEST)}",
        *more,
        "END:VEVENT",
    ]
    return "\r\n".join(lines)


def entry(*events: str) -> str:
    """A calendar resource of these VEVENTs."""
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tests//EN", *events, "END:VCALENDAR", ""])


def without(text: str, *beginnings: str) -> str:
    """An entry without the lines that begin so."""
    return "\r\n".join(line for line in text.split("\r\n") if not line.startswith(beginnings))


GUEST = "nora.west@northwindtraders.example"


@pytest.fixture(scope="session")
def radicale_server() -> Iterator[Radicale]:
    """The running server of the session."""
    folder = Path(tempfile.mkdtemp(prefix="radicale-"))
    server = Radicale(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def radicale(radicale_server: Radicale, settings: Settings) -> Radicale:
    """The server, and our settings allowing it."""
    settings.MAILBOX_EXTRA_HOSTS = frozenset({radicale_server.extra_host, *settings.MAILBOX_EXTRA_HOSTS})
    settings.MAILBOX_CA_BUNDLE = str(radicale_server.ca_bundle)
    return radicale_server


def paths(resources: Iterable[str]) -> list[str]:
    """The names of resources, without their folders."""
    return sorted(each.rsplit("/", 1)[-1] for each in resources)
