"""`python -m config.queue_watchdog`: the queue's workers for as long as this process lives."""

import argparse
import os

import django


def main() -> None:
    """Read the options and run until SIGTERM, SIGINT or SIGHUP; the mailboxes are watched beside the queue."""
    parser = argparse.ArgumentParser(description="Runs the queue's workers and restarts them when they hang.")
    parser.add_argument("--stall-limit", type=float, default=30, metavar="SECONDS")
    parser.add_argument("--stop-grace", type=float, default=150, metavar="SECONDS")
    parser.add_argument("--without-mailboxes", action="store_true", help="watch_mailboxes runs elsewhere, or nowhere")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from config.queue_watchdog.companion import Companion
    from config.queue_watchdog.watchdog import Watchdog
    from config.start_checks import check_before_start

    check_before_start()
    mailboxes = Companion("mailboxes", "manage.py", "watch_mailboxes")
    companions = [] if arguments.without_mailboxes else [mailboxes]
    Watchdog(arguments.stall_limit, arguments.stop_grace, companions).run()


if __name__ == "__main__":
    main()
