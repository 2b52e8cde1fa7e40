"""kill -9 in the middle of a refresh, again and again.

`python -m tests.faults.connections.refresh_kills [kills]`. Expected: no refresh token is presented more than twice
(once, and once more after a kill), and every connection ends as connected or needing attention within 60 seconds. The
lease is one second here instead of 45; everything else is as in production.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

from tests.faults.connections.world import World, finish, report, world

LIMIT = 60.0
LEASE = "1.0"
ANSWER_TAKES = 0.15
SPREAD = 0.45


def main(kills: int = 300) -> None:
    random.seed(kills)
    with world("kills") as here:
        wrong = run(here, kills)
    finish(wrong)


def run(here: World, kills: int) -> list[str]:
    from integrations.models import Connection
    from integrations.salesforce.stand_in.faults import Fault

    here.stand_in.faults.add(Fault("delay", path="/token", object="refresh_token", seconds=ANSWER_TAKES, times=None))
    arguments = [sys.executable, "-m", "tests.faults.connections.nursery", LEASE]
    nursery = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    connection = here.make_connection(1)
    ends = {"connected": 0, "needs_attention": 0}
    grants, slowest, stuck = [here.grant_of(connection)], 0.0, 0
    for _ in range(kills):
        here.expire_session(connection)
        kill_while_refreshing(nursery, connection.pk)
        started = time.monotonic()
        answer = run_to_its_end(nursery, connection.pk)
        slowest = max(slowest, time.monotonic() - started)
        row = Connection.objects.get(pk=connection.pk)
        ends[row.state] += 1
        stuck += answer == "stuck"
        if row.state != "connected":
            connection = here.grant(Connection.objects.select_related("workspace", "salesforce_user").get(pk=row.pk))
            grants.append(here.grant_of(connection))
    nursery.communicate("")
    presented = [count for grant in grants for count in grant.presented.values()]
    report(
        f"{kills} kills",
        **ends,
        presented_at_most=max(presented, default=0),
        presented_twice=presented.count(2),
        stuck=stuck,
        slowest_seconds=round(slowest, 1),
    )
    checks = {
        "a token was presented more than twice": max(presented, default=0) > 2,
        "a connection was stuck": bool(stuck) or slowest > LIMIT,
        "no kill hit a refresh, the harness is blind": not ends["needs_attention"],
    }
    return [what for what, is_so in checks.items() if is_so]


def kill_while_refreshing(nursery: subprocess.Popen, connection_id: int) -> None:
    pid = order(nursery, connection_id)
    time.sleep(random.uniform(0.0, SPREAD))
    with contextlib.suppress(ProcessLookupError):  # it was faster
        os.kill(pid, signal.SIGKILL)
    wait_for_end(nursery)


def run_to_its_end(nursery: subprocess.Popen, connection_id: int) -> str:
    order(nursery, connection_id)
    return wait_for_end(nursery)


def order(nursery: subprocess.Popen, connection_id: int) -> int:
    nursery.stdin.write(f"{connection_id}\n")
    nursery.stdin.flush()
    return int(nursery.stdout.readline())


def wait_for_end(nursery: subprocess.Popen) -> str:
    return nursery.stdout.readline().strip()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
