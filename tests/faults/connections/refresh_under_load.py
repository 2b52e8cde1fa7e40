"""4 processes of 50 threads find one access token expired at the same moment.

`python -m tests.faults.connections.refresh_under_load [processes] [threads]`. Expected: 1 refresh, an answer each,
0 reuses of a spent token at the stand-in's own count, at most 5 database connections a process. Then the negative
control: the same without the lease must show reuse, or the harness is blind.
"""

import subprocess
import sys
import threading
import time

from tests.faults.connections.world import World, finish, report, world


def main(processes: int = 4, threads: int = 50) -> None:
    with world("refresh") as here:
        wrong = run_with_lease(here, processes, threads) + run_without(here, processes, threads)
    finish(wrong)


def run_with_lease(here: World, processes: int, threads: int) -> list[str]:
    connection = here.make_connection(1)
    started = time.monotonic()
    with ConnectionMeter(here) as meter:
        answers = ask(here, connection, processes, threads, "lease")
    grant = here.grant_of(connection)
    counts = {
        "answers": answers,
        "refreshes": grant.refreshes,
        "reuses": grant.reuses,
        "database_connections_at_most": meter.peak,
        "seconds": round(time.monotonic() - started, 1),
    }
    report(f"{processes} processes x {threads} threads", **counts)
    ok = (answers, grant.refreshes, grant.reuses) == (processes * threads, 1, 0) and meter.peak <= processes * 5
    return [] if ok else ["with the lease"]


def run_without(here: World, processes: int, threads: int) -> list[str]:
    connection = here.make_connection(2)
    answers = ask(here, connection, processes, threads, "bare")
    grant = here.grant_of(connection)
    report("negative control, no lease", answers=answers, refreshes=grant.refreshes, reuses=grant.reuses)
    return [] if grant.reuses else ["the harness is blind: no reuse without the lease"]


def ask(here: World, connection, processes: int, threads: int, how: str) -> int:
    """Let all threads of all processes wait at a barrier, end the session, open it; count the answers."""
    arguments = [sys.executable, "-m", "tests.faults.connections.asker", str(connection.pk), str(threads), how]
    children = [subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(processes)]
    for child in children:
        assert child.stdout.readline() == b"ready\n"
    here.expire_session(connection)
    for child in children:
        child.stdin.write(b"go\n")
        child.stdin.flush()
    return sum(int(child.communicate()[0]) for child in children)


class ConnectionMeter:
    """Counts the sessions of our database, its own and this process's left out."""

    def __init__(self, here: World) -> None:
        self.peak, self.over = 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self) -> "ConnectionMeter":
        from django.db import connection

        connection.ensure_connection()
        self.own = connection.connection.info.backend_pid
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def watch(self) -> None:
        from django.db import connection

        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid NOT IN (pg_backend_pid(), %s) AND backend_type = 'client backend'"
        )
        while not self.over.wait(0.02):
            with connection.cursor() as cursor:
                cursor.execute(query, [self.own])
                self.peak = max(self.peak, cursor.fetchone()[0])
        connection.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
