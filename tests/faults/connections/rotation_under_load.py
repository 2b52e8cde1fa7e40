"""Keys are rotated over 10,000 connections while others use them.

`python -m tests.faults.connections.rotation_under_load [connections]`. Expected: 0 failed reads and calls, 0 rows
left on the old key, and less than five minutes.
"""

import base64
import random
import sys
import threading
import time

from tests.faults.connections.world import World, finish, report, world

NEW_KEY = f"t2:{base64.b64encode(b'n' * 32).decode()}"


def main(rows: int = 10_000) -> None:
    with world("rotation") as here:
        wrong = run(here, rows)
    finish(wrong)


def run(here: World, rows: int) -> list[str]:
    from django.conf import settings

    from integrations import rotation

    real = here.make_connection(0)
    ids = make_rows(here, rows)
    settings.FIELD_ENCRYPTION_KEYS = f"{NEW_KEY},{settings.FIELD_ENCRYPTION_KEYS}"
    load = Load(here, real, ids)
    started = time.monotonic()
    done = rotation.rotate()
    seconds = round(time.monotonic() - started, 1)
    load.stop()
    settings.FIELD_ENCRYPTION_KEYS = NEW_KEY
    again = rotation.rotate()
    counts = {"resealed": done.resealed, "left": done.left + again.left, "seconds": seconds}
    report(f"{rows} connections", **counts, reads=load.reads, calls=load.calls, failed=len(load.failures))
    is_fine = not load.failures and not done.left and not again.left and load.calls and seconds < 300
    return [] if is_fine else ["rotation", *load.failures[:5]]


def make_rows(here: World, rows: int) -> list[int]:
    from integrations.models import Connection, SalesforceUser
    from integrations.secrets import context_of, seal

    users = SalesforceUser.objects.bulk_create(
        SalesforceUser(org_id=here.org.org_id, user_id=f"005{number:015d}", username="u", name="u")
        for number in range(rows)
    )
    made = []
    for user in users:
        row = Connection(workspace=here.workspace, org=here.org, salesforce_user=user, issuer="production")
        row.access_token_sealed = seal("access", context_of(row, "access_token_sealed"))
        row.refresh_token_sealed = seal("refresh", context_of(row, "refresh_token_sealed"))
        made.append(row)
    return [row.pk for row in Connection.objects.bulk_create(made, batch_size=1000)]


class Load:
    """Three threads that read tokens, and one that calls Salesforce and lets its session expire."""

    def __init__(self, here: World, real, ids: list[int]) -> None:
        self.here, self.real, self.ids = here, real, ids
        self.over, self.reads, self.calls, self.failures = threading.Event(), 0, 0, []
        self.threads = [
            threading.Thread(target=self.repeat, args=(work,)) for work in (self.read, self.read, self.call)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def repeat(self, work) -> None:
        from django.db import connections

        while not self.over.is_set():
            try:
                work()
            except Exception as error:
                self.failures.append(f"{type(error).__name__} {error}")
        connections.close_all()

    def read(self) -> None:
        from integrations import tokens

        token = tokens.current(random.choice(self.ids))
        assert token.access_token.reveal() == "access"
        self.reads += 1

    def call(self) -> None:
        from integrations.connections import client_for

        self.here.expire_session(self.real)
        assert client_for(self.real).organization().name == "Acme"
        self.calls += 1


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
