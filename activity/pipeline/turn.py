"""Whose turn it is to send: one worker for each connection, and so many for each org, as leases that lapse.

Correctness does not hang on it (claims and fences see to that): it keeps a connection's order and spares the org,
where parallel writes to one account lock each other out and more than five long calls are refused.
"""

import uuid
from datetime import datetime

from django.db import connection as database
from django.db import transaction

from activity.models import Drain
from config.prepared import run_prepared

CALLS_IN_FLIGHT_PER_ORG = 5

_TAKE = """
INSERT INTO activity_drain (connection_id, org_id, holder, until)
SELECT %(connection)s, %(org)s, %(holder)s, %(until)s
WHERE %(most)s > (
    SELECT count(*) FROM activity_drain
    WHERE org_id = %(org)s AND until > %(now)s AND connection_id <> %(connection)s
)
ON CONFLICT (connection_id) DO UPDATE
SET org_id = excluded.org_id, holder = excluded.holder, until = excluded.until
WHERE activity_drain.until <= %(now)s OR activity_drain.holder = excluded.holder
RETURNING holder
"""
_RENEW = """
UPDATE activity_drain SET until = %(until)s
WHERE connection_id = %(connection)s AND holder = %(holder)s AND until > %(now)s
RETURNING connection_id
"""


def take(connection_id: int, org_id: str, holder: uuid.UUID, now: datetime, until: datetime) -> bool:
    """Take or renew the turn until then (UTC); False when another worker has it, or the org's are all taken."""
    return _renew(connection_id, holder, now, until) or _take(connection_id, org_id, holder, now, until)


def _renew(connection_id: int, holder: uuid.UUID, now: datetime, until: datetime) -> bool:
    """A turn that has not lapsed is counted already, so nobody needs to be kept from counting."""
    return bool(run_prepared(_RENEW, {"connection": connection_id, "holder": holder, "now": now, "until": until}))


def _take(connection_id: int, org_id: str, holder: uuid.UUID, now: datetime, until: datetime) -> bool:
    with transaction.atomic(), database.cursor() as cursor:
        # Whoever counts must not be counted out by another one that counts at the same time.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"drain {org_id}"])
        cursor.execute(
            _TAKE,
            {
                "connection": connection_id,
                "org": org_id,
                "holder": holder,
                "now": now,
                "until": until,
                "most": CALLS_IN_FLIGHT_PER_ORG,
            },
        )
        return cursor.fetchone() is not None


def give_back(connection_id: int, holder: uuid.UUID) -> None:
    """End the turn, if it is still ours."""
    Drain.objects.filter(connection=connection_id, holder=holder).delete()


def is_taken(connection_id: int, now: datetime) -> bool:
    """Whether a worker is at it."""
    return Drain.objects.filter(connection=connection_id, until__gt=now).exists()
