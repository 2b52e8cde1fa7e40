"""Runs the pipeline's set-based statements, their values beside the text: payloads travel as they are."""

from collections.abc import Mapping
from typing import Any

from config.prepared import bound_cursor


def run(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute one statement (placeholders `%(name)s`, each with a cast where its column does not tell the type).

    It is planned anew each time, for a plan that suits one row would be a bad one for a thousand. Returns the rows of
    its RETURNING or SELECT; jsonb comes as text. Raises django.db's errors.
    """
    with bound_cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []
