"""Tasks that the watchdog's tests put into a queue; named by dotted path."""

import time
from pathlib import Path


def leave_mark(path: str) -> None:
    """Show that the task ran."""
    Path(path).touch()


def work(seconds: float, begun: str, ended: str) -> None:
    """Take a while between two marks."""
    Path(begun).touch()
    time.sleep(seconds)
    Path(ended).touch()
