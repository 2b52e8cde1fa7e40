"""Forks a process for each line that it reads (a connection's id), so that 300 kills need not start Django 300 times.

Prints the child's pid, then how it ended: `asked`, `lost`, `stuck` or `killed`.
"""

import os
import sys
import time
from datetime import timedelta

import django

ENDS = {0: "asked", 1: "lost", 2: "stuck"}


def main(lease_seconds: float) -> None:
    django.setup()
    from django.db import connections

    from integrations import tokens

    tokens.LEASE = timedelta(seconds=lease_seconds)
    for line in sys.stdin:
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            os._exit(ask_until_settled(int(line)))
        say(str(pid))
        _, status = os.waitpid(pid, 0)
        say(ENDS[os.waitstatus_to_exitcode(status)] if os.WIFEXITED(status) else "killed")


def ask_until_settled(connection_id: int) -> int:
    from integrations.connections import client_for
    from integrations.models import Connection
    from integrations.salesforce.errors import ConnectionLost, Transient

    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            client_for(Connection.objects.select_related("org").get(pk=connection_id)).organization()
            return 0
        except ConnectionLost:
            return 1
        except Transient:
            time.sleep(0.05)
    return 2


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]))
