"""Makes, starts and stops an embedded server; to be called under the lock of its folder."""

import shlex
import shutil
import time
from pathlib import Path

from config.postgres.errors import PostgresUnavailable
from config.postgres.programs import Programs, find_programs
from config.postgres.server import NAME, SOCKET_NAME, Server

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_error_statement": "panic",  # the server's log names no statement and, being terse, no values
    "log_error_verbosity": "terse",
}
LIMIT = 60  # seconds to start or to stop
WAIT = ("-w", "-t", str(LIMIT))


def start_server(server: Server) -> None:
    """Start the server and wait until it answers; make its data first where there are none.

    Raises PostgresUnavailable.
    """
    process = server.find_process()
    if process and server.has_socket():  # who started it died before it was ready
        wait_until_ready(server, process)
        return
    stop_server(server)  # without a socket nobody will ever reach it
    programs = find_programs(server)
    if not server.data.exists():
        create_data(server, programs)
    clear_after_kill(server)
    server.make_directory(server.socket_directory)
    settings = SETTINGS | {"unix_socket_directories": str(server.socket_directory)}
    options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
    pg_ctl = programs.directory / "pg_ctl"
    done = server.run(pg_ctl, "start", *WAIT, "-D", server.data, "-l", server.log, "-o", options)
    if done.returncode != 0 or not server.is_ready():
        reason = find_reason(server.log) or done.stderr.strip()
        raise PostgresUnavailable(f"PostgreSQL did not start: {reason} (more in {server.log}).")


def wait_until_ready(server: Server, process: int) -> None:
    """Wait for a server that somebody else started. Raises PostgresUnavailable after a minute."""
    deadline = time.monotonic() + LIMIT
    while not server.is_ready():
        if time.monotonic() > deadline:
            raise PostgresUnavailable(
                f"PostgreSQL (process {process}) runs on {server.data} but does not answer: "
                f"end it with 'kill -INT {process}' and try again."
            )
        time.sleep(0.05)


def clear_after_kill(server: Server) -> None:
    """Remove the lock files that a killed server left, once the processes under it have ended too.

    PostgreSQL does so by itself, unless it takes a zombie or a stranger's process for the owner of the files.
    """
    deadline = time.monotonic() + LIMIT
    while server.list_processes():
        if time.monotonic() > deadline:
            raise PostgresUnavailable(
                f"Processes of a former PostgreSQL still work on {server.data}: "
                f"end {', '.join(map(str, server.list_processes()))} and try again."
            )
        time.sleep(0.05)
    (server.data / "postmaster.pid").unlink(missing_ok=True)
    (server.socket_directory / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def create_data(server: Server, programs: Programs) -> None:
    """Make the data directory with our database in it: complete, or not at all.

    With the locale C alone, trigram search would pass over every letter that is not ASCII.
    """
    fresh = server.home / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    server.make_directory(fresh)
    options = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", f"--username={NAME}"]
    if programs.major >= 17:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = server.run(programs.directory / "initdb", "-D", fresh, *options)
    if done.returncode == 0:
        single = (programs.directory / "postgres", "--single", "-D", fresh, "template1")
        done = server.run(*single, text=f"CREATE DATABASE {NAME};\n")
    if done.returncode != 0 or "ERROR" in done.stderr:
        said = done.stderr.strip() or "it gave no reason"
        raise PostgresUnavailable(f"The database could not be made in {server.home}: {said}")
    fresh.rename(server.data)


def find_reason(log: Path) -> str:
    """The last fatal line of the server's log, which says why it did not start; empty without one."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
    return fatal[-1].partition(":  ")[2] if fatal else ""


def stop_server(server: Server) -> bool:
    """Stop the server, ending open connections; False when it was not running. Raises PostgresUnavailable."""
    if not server.find_process():
        return False
    pg_ctl = find_programs(server).directory / "pg_ctl"
    done = server.run(pg_ctl, "stop", *WAIT, "-m", "fast", "-D", server.data)
    if done.returncode != 0:
        raise PostgresUnavailable(f"PostgreSQL did not stop: {done.stderr.strip()}")
    return True
