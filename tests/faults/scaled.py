"""Shortens what is no setting in proportion, and lets the database name the worker behind each connection."""

import importlib
import os
from datetime import timedelta
from typing import Any

from django.apps import AppConfig

from tests.faults.durations import CONNECT_SECONDS, READ_SECONDS, WRITE_SECONDS

FULL_LENGTH = "FAULTS_FULL_LENGTH"
"""Set in the environment where the durations of production are wanted."""
PIPELINE = (
    "activity.pipeline.outcome",
    "activity.pipeline.breaker",
    "activity.pipeline.settle",
    "activity.pipeline.verify",
    "activity.pipeline.sweep",
    "activity.pipeline.log_to_salesforce",
    "integrations.connections",
)
TOKENS = ("integrations.tokens", "integrations.client_app")
# Each is set in every module that knows it by this name.
TIMES: dict[tuple[str, ...], dict[str, Any]] = {
    PIPELINE: {
        "FIRST_RETRY": timedelta(seconds=0.3),
        "LONGEST_RETRY": timedelta(seconds=4),
        "LIMIT_PAUSE": timedelta(seconds=6),
        "DOWN_PAUSE": timedelta(seconds=1),
        "CANARY_EVERY": timedelta(seconds=10),
        "LOOK_AGAIN": timedelta(seconds=1),
        "LOST_AFTER": timedelta(seconds=4),
        "AFTER_OWN_BUG": timedelta(seconds=1),
    },
    TOKENS: {
        "LEASE": timedelta(seconds=3),
        "PAUSE": timedelta(seconds=1),
        "WAIT_SECONDS": 4.0,
        "SAVE_DELAYS": (0.0, 0.1, 0.2, 0.4, 0.8, 2),
        "TOKEN_SECONDS": 1.5,
    },
}


class ScaledConfig(AppConfig):
    """See the module."""

    name = "tests.faults"
    label = "faults"
    current = "idle"

    def ready(self) -> None:
        """Shorten, and tell the database who we are at each connection and each task."""
        if not os.environ.get(FULL_LENGTH):
            for modules, values in TIMES.items():
                for name, value in values.items():
                    self._set(modules, name, value)
            self._shorten_calls()
        self._name_workers()

    def _set(self, modules: tuple[str, ...], name: str, value: Any) -> None:
        knowing = [module for module in map(importlib.import_module, modules) if hasattr(module, name)]
        if not knowing:
            raise LookupError(f"nobody knows {name} any more: the faults would run at its new length")
        for module in knowing:
            setattr(module, name, value)

    def _shorten_calls(self) -> None:
        from integrations.salesforce import http
        from integrations.salesforce.transport import CallLimits

        http.open_session.__kwdefaults__["limits"] = CallLimits(CONNECT_SECONDS, READ_SECONDS, WRITE_SECONDS)

    def _name_workers(self) -> None:
        from django.db.backends.signals import connection_created
        from django_q.signals import post_execute_in_worker, pre_execute

        connection_created.connect(self._say_name, weak=False)
        pre_execute.connect(self._begin, weak=False)
        post_execute_in_worker.connect(self._end, weak=False)

    def _begin(self, task: dict[str, Any], **_signal: Any) -> None:
        name = task["func"].rpartition(".")[2] if isinstance(task["func"], str) else "task"
        self.current = f"{name} {' '.join(map(str, task['args']))}"
        self._say_name_now()

    def _end(self, **_signal: Any) -> None:
        self.current = "idle"
        self._say_name_now()

    def _say_name_now(self) -> None:
        from django.db import DatabaseError, connection

        try:
            if connection.connection is not None:
                self._say_name(connection)
        except DatabaseError:
            pass  # the database is away; the next connection is named again

    def _say_name(self, connection: Any, **_signal: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('application_name', %s, false)", [f"{os.getpid()} {self.current}"[:60]])
