"""`python -m config.postgres start|stop|release|status`; start and status print the DATABASE_URL.

release stops the server unless some program is connected to it.
"""

import sys

from config import postgres


def main(arguments: list[str]) -> int:
    """Do what the one argument says and return the exit code: 1 a failure, 2 misuse, 3 it is not running."""
    try:
        match arguments:
            case ["start"]:
                sys.stdout.write(f"{postgres.ensure_running()}\n")
            case ["stop"]:
                stopped = postgres.stop()
                sys.stderr.write("PostgreSQL is stopped.\n" if stopped else "PostgreSQL was not running.\n")
            case ["release"]:
                postgres.stop_unless_used()
            case ["status"]:
                url = postgres.running_url()
                if not url:
                    sys.stderr.write("PostgreSQL is not running.\n")
                    return 3
                sys.stdout.write(f"{url}\n")
            case _:
                sys.stderr.write("Usage: python -m config.postgres start|stop|release|status\n")
                return 2
    except postgres.PostgresUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
