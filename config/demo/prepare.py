"""Brings the demo's database up to date and makes its people: `python -m config.demo.prepare PORT-OF-STAND-IN`.

Both in one process, because half of what a start of the demo takes is the loading of Django.
"""

import socket
import sys
import time

import django
from django.core.management import CommandError, call_command

STAND_IN_LIMIT = 60


def main(stand_in_port: int) -> None:
    """Migrate, wait for the stand-in, seed. Prints who can log in; exits with a sentence when something fails."""
    django.setup()
    try:
        call_command("migrate", verbosity=0)
        wait_for(stand_in_port)
        call_command("seed_demo")
    except CommandError as error:
        sys.exit(str(error))


def wait_for(port: int) -> None:
    """Return when somebody listens on a port of 127.0.0.1. Raises CommandError after a minute."""
    deadline = time.monotonic() + STAND_IN_LIMIT
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise CommandError("The stand-in for Salesforce does not answer.")
        time.sleep(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]))
