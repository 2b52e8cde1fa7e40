"""Running the stand-in as a program that keeps its state in a folder and prints its calls."""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from .demo import make_orgs
from .server import StandIn
from .snapshot import SnapshotKeeper

SECRET_FILE, STATE_FILE = "client-secret", "state.json"
CLIENT_ID = "stand-in-client-id"


def play(
    data_dir: Path,
    *,
    write: Callable[[str], object],
    https_port: int = 0,
    http_port: int = 0,
    client_id: str = "",
    client_secret: str = "",
    apps: Iterable[str] = (),
    is_quiet: bool = False,
) -> None:
    """Play Salesforce until SIGINT or SIGTERM; goes on with the state that the folder holds.

    `apps` are addresses of Touchline whose callbacks are accepted. `write` prints a line. Raises OSError where a
    port is taken.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    stand_in = StandIn(
        *make_orgs(),
        certificate_dir=data_dir,
        https_port=https_port,
        http_port=http_port,
        client_id=client_id or CLIENT_ID,
        client_secret=client_secret or read_secret(data_dir / SECRET_FILE),
        apps=apps,
        on_call=None if is_quiet else lambda *call: write(describe_call(*call)),
    )
    keeper = SnapshotKeeper(stand_in, data_dir / STATE_FILE)
    continues = keeper.load()
    stopped = threading.Event()
    with stand_in:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        keeper.start()
        introduce(stand_in, write, continues=continues)
        stopped.wait()
        keeper.stop()


def introduce(stand_in: StandIn, write: Callable[[str], object], *, continues: bool) -> None:
    """Print where it is and how Touchline finds it."""
    write("Salesforce is played here" + (", going on with the earlier data." if continues else "."))
    write(f"  look at it  {stand_in.login_url}/")
    for name, value in stand_in.settings().items():
        if name != "SALESFORCE_CLIENT_SECRET":
            write(f"  {name}={value}")


def describe_call(method: str, path: str, status: int, milliseconds: float, about: str) -> str:
    """One line for a call: never a query, a token or a body."""
    time = datetime.now().astimezone().strftime("%H:%M:%S")
    note = f" ({about})" if about else ""
    return f"{time} {method} {path} {status or 'dropped'} {milliseconds:.0f} ms{note}"


def read_secret(path: Path) -> str:
    """Return the app's secret, made at the first start and kept in a file that only its owner can read."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()
