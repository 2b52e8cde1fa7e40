"""Tasks that the watchdog's tests put into a queue; named by dotted path."""

import gc
import sys
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


def tell_what_is_loaded(path: str) -> None:
    """Write down whether the tasks were there before any ran, out of the garbage collector's rounds."""
    loaded = {"activity.tasks", "integrations.tasks", "simple_salesforce"} <= sys.modules.keys()
    Path(path).write_text(f"{loaded} {gc.get_freeze_count() > 100_000}")
