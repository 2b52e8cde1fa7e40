"""Runs the pipeline's set-based statements, their parameters sent beside the text.

Django writes parameters into the text, so a batch's payloads are quoted here and read by PostgreSQL's scanner
character by character. Beside it they travel as they are. Transactions, time-outs and errors are Django's.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection as database
from django.db.backends.postgresql.base import ServerBindingCursor


def run(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute one statement (placeholders `%(name)s`, each with a cast where its column does not tell the type).

    Returns the rows of its RETURNING or SELECT; jsonb comes as text. Raises django.db's errors.
    """
    with database.cursor() as cursor:
        cursor.cursor = ServerBindingCursor(database.connection)
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []
