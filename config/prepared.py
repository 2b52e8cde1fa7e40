"""Statements whose values the server puts in: for those that are asked many times a second, or carry much.

Django's own cursors put the values into the text, which PostgreSQL then has to read character by character.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection as database
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

FEW = 50


class _Unprepared(ServerBindingCursor):
    def execute(self, query: Any, params: Any = None, **options: Any) -> "_Unprepared":
        return super().execute(query, params, **options | {"prepare": False})


def prepared_cursor() -> CursorWrapper:
    """A cursor whose statements are planned once, when it executes them first; use it in a `with` statement.

    (`prepare_threshold` in the settings lets the driver do so.) PostgreSQL sooner or later plans without looking at
    the values, so long lists must not be joined to each other in such a statement.
    """
    return _wrap(ServerBindingCursor)


def run_prepared(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute one statement of few values through `prepared_cursor`; returns the rows of its RETURNING or SELECT."""
    with prepared_cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def bound_cursor() -> CursorWrapper:
    """A cursor whose statements are planned each time, knowing the values; use it in a `with` statement."""
    return _wrap(_Unprepared)


def cursor_for(count: int) -> CursorWrapper:
    """For a statement with lists of so many values: planned once for few, with the values for many."""
    return prepared_cursor() if count <= FEW else bound_cursor()


def _wrap(cursor: type[ServerBindingCursor]) -> CursorWrapper:
    """With Django's checks and log of statements."""
    database.close_if_health_check_failed()
    database.ensure_connection()
    return database._prepare_cursor(cursor(database.connection))
