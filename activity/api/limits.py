"""How many requests a key may make in a minute, counted in the database, for all web processes together."""

from datetime import datetime

from django.conf import settings

from config.prepared import prepared_cursor
from integrations.models import ApiKey

_COUNT = """
INSERT INTO activity_requestcount AS r (api_key_id, minute, requests) VALUES (%(key)s, %(minute)s, 1)
ON CONFLICT (api_key_id) DO UPDATE
SET requests = CASE WHEN r.minute = excluded.minute THEN r.requests + 1 ELSE 1 END, minute = excluded.minute
RETURNING requests
"""


def seconds_to_wait(key: ApiKey, now: datetime) -> int:
    """Count a request; 0 when it may go on, else how long the key has to wait."""
    minute = now.replace(second=0, microsecond=0)
    with prepared_cursor() as cursor:
        cursor.execute(_COUNT, {"key": key.pk, "minute": minute})
        (requests,) = cursor.fetchone()
    return 60 - now.second if requests > settings.API_REQUESTS_PER_MINUTE else 0
