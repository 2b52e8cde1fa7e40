"""Statements that the database plans once: for those that are asked many times a second, always in the same words."""

from django.db import connection as database
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper


def prepared_cursor() -> CursorWrapper:
    """A cursor whose statements are prepared when it executes them first; use it in a `with` statement.

    Settings, DATABASES: `prepare_threshold` lets the driver do so, for cursors that leave the values to the server;
    Django's own put them into the text. PostgreSQL sooner or later plans without looking at the values, so long lists
    must not be joined to each other in such a statement.
    """
    database.close_if_health_check_failed()
    database.ensure_connection()
    return database._prepare_cursor(ServerBindingCursor(database.connection))
