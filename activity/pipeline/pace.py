"""How many records an org takes in one call: 200 at first, more where it is fast, fewer where it is overtaxed.

Beyond 200 a call is a composite of several collections, which Salesforce counts once. The time that the org's
triggers take adds up over all of it, so only an org that proved fast gets one. The figure belongs to the org and
stands in the database: what one worker learned, all know. A call of less than half of it teaches nothing about size.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection as database

from activity.models import OrgPace
from activity.pipeline.claims import BATCH
from config.prepared import run_prepared
from integrations.salesforce.client import RECORDS_IN_A_COMPOSITE
from integrations.salesforce.errors import OutcomeUnknown, Transient

FEWEST = 25
TOO_MUCH = {
    "UNABLE_TO_LOCK_ROW",
    # Triggers and flows that ran out of processor time or queries.
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
}

_READ = "SELECT records_per_call FROM activity_orgpace WHERE org_id = %(org)s"
_WIDEN = """
UPDATE activity_orgpace
SET records_per_call = CASE WHEN fast_calls + 1 < %(calls)s THEN records_per_call
                            ELSE LEAST(records_per_call * 2, %(most)s) END,
    fast_calls = CASE WHEN fast_calls + 1 < %(calls)s THEN fast_calls + 1 ELSE 0 END
WHERE org_id = %(org)s AND records_per_call = %(seen)s
"""


@dataclass(slots=True)
class Pace:
    """An org's figure as a worker knows it. Read it anew with `refresh` before each batch."""

    org_id: str
    records_per_call: int = BATCH

    def refresh(self) -> int:
        """How many records the next call may hold; one query."""
        found = run_prepared(_READ, {"org": self.org_id})
        self.records_per_call = min(found[0][0] if found else BATCH, most_records())
        return self.records_per_call

    def note(self, records: int, seconds: float, errors: list[Exception]) -> None:
        """A call ended so, with the errors of its records. One UPDATE where it says something about size, or none."""
        if records * 2 <= self.records_per_call:
            return
        if any(is_too_much(error) for error in errors):
            self._halve()
        elif len(errors) == records:
            return  # what is refused at once was not fast
        elif seconds > settings.SYNC_FAST_SECONDS * max(1, records / BATCH):
            OrgPace.objects.filter(org_id=self.org_id, fast_calls__gt=0).update(fast_calls=0)
        elif self.records_per_call < most_records():
            self._widen()

    def _halve(self) -> None:
        """Once for each figure: workers that failed at the same one do not halve it again."""
        self._begin()
        seen = OrgPace.objects.filter(org_id=self.org_id, records_per_call=self.records_per_call)
        seen.update(records_per_call=max(self.records_per_call // 2, FEWEST), fast_calls=0)

    def _widen(self) -> None:
        self._begin()
        values = {
            "org": self.org_id,
            "seen": self.records_per_call,
            "most": most_records(),
            "calls": settings.SYNC_FAST_CALLS,
        }
        with database.cursor() as cursor:
            cursor.execute(_WIDEN, values)

    def _begin(self) -> None:
        OrgPace.objects.bulk_create([OrgPace(org_id=self.org_id)], ignore_conflicts=True)


def most_records() -> int:
    """The ceiling: Salesforce's, or the operator's."""
    return min(settings.SYNC_RECORDS_PER_CALL, RECORDS_IN_A_COMPOSITE)


def is_too_much(error: Exception) -> bool:
    """Whether fewer records at once may pass: no answer in time, a locked row, a trigger without time left."""
    return isinstance(error, OutcomeUnknown) or (isinstance(error, Transient) and error.code in TOO_MUCH)
