"""Starts, shows and stops the demo."""

import contextlib
import os
import signal
import sys
import urllib.error
import urllib.request

from config import postgres
from config.demo.crew import Crew, StopAsked
from config.demo.environment import DATA, DemoImpossible, Ports, build_environment, choose_ports

READY_LIMIT = 60


def main() -> int:
    """Run the demo until Ctrl-C, a closed terminal or the end of one of its parts; return the exit code."""
    crew = Crew()
    problem = None
    try:
        start(crew)
        crew.wait_until(lambda: not is_database_running(), "the end")
        raise DemoImpossible(f"PostgreSQL ended, so everything stops. Its log: {postgres.find_log()}")
    except StopAsked:
        crew.say("\nStopping…")
    except (DemoImpossible, postgres.PostgresUnavailable) as error:
        problem = error
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must leave nothing behind
        crew.stop()
        stop_database(crew)
    if problem:
        crew.say(f"\n{problem}")  # below the last lines of all the others
    return 1 if problem else 0


def start(crew: Crew) -> None:
    """Start everything in its order and tell the person where it is."""
    ports = choose_ports()
    DATA.mkdir(exist_ok=True)
    crew.say("Starting the database…")
    database_url = os.environ.get("DATABASE_URL") or postgres.ensure_running()
    crew.adopt_orphans()  # only now, so that the database does not become a child of ours
    crew.environment = build_environment(ports, database_url)
    crew.say("Preparing the data…")
    crew.start_service("stand-in", "manage.py", "salesforce_stand_in", *stand_in_options(ports))
    people = crew.run_job("The making of the data", "-m", "config.demo.prepare", str(ports.stand_in))
    crew.start_service("web", "-m", "gunicorn", "--config", "config/gunicorn.py")
    crew.wait_until(lambda: is_healthy(ports.web), "the web server", READY_LIMIT)
    crew.start_service("worker", "-m", "config.queue_watchdog", "--stop-grace=8")
    crew.run_job("The sending of sample activities", "manage.py", "send_demo_activities")
    introduce(crew, ports, people)


def stand_in_options(ports: Ports) -> list[str]:
    """How the stand-in is started: its state is kept with the demo's data, so grants outlive a restart."""
    return [
        f"--data-dir={DATA / 'stand-in'}",
        f"--http-port={ports.stand_in}",
        f"--https-port={ports.stand_in_tls}",
    ]


def introduce(crew: Crew, ports: Ports, people: list[str]) -> None:
    """Print where the demo is and who can log in."""
    crew.say("")
    crew.say(f"Touchline is ready at   http://127.0.0.1:{ports.web}/")
    crew.say(f"Its mails are kept at   http://127.0.0.1:{ports.web}/outbox/")
    crew.say(f"Salesforce is played by http://127.0.0.1:{ports.stand_in}/")
    crew.say("")
    for line in people:
        crew.say(line)
    crew.say("")
    crew.say("Ctrl-C stops everything; the next start continues with the same data.")
    crew.say("")


def is_healthy(port: int) -> bool:
    """Whether the web server and its database answer."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
        return True
    return False


def is_database_running() -> bool:
    """Whether the embedded PostgreSQL runs; a server of the operator's is not ours to watch."""
    return bool(os.environ.get("DATABASE_URL")) or postgres.has_process()


def stop_database(crew: Crew) -> None:
    """Stop the embedded PostgreSQL, unless others (a test run, a shell) are using it at the moment."""
    if os.environ.get("DATABASE_URL"):
        return
    try:
        if not postgres.stop_unless_used():
            crew.say("The database stays: another program uses it. Later: python -m config.postgres stop")
    except postgres.PostgresUnavailable as error:
        crew.say(str(error))


if __name__ == "__main__":
    sys.exit(main())
