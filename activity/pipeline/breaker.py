"""May an org be called now, and for what? The budget's ladder, and pauses that end with one probe, not a rush."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from activity.models import OrgTrouble, Reason
from activity.pipeline.claims import CLICKED_BY_PERSON, LEAST, LEAST_OF_MAIL
from activity.pipeline.outcome import LIMIT_PAUSE
from config.prepared import run_prepared
from integrations.budget import Purpose, may_call, pause_org, usage_of
from integrations.models import ApiUsage, SalesforceOrg

DOWN = "salesforce_down"
DOWN_PAUSE = timedelta(seconds=60)
FAILURES_BEFORE_PAUSE = 5
NOTHING = -2
"""A priority below all, those of unknown outcomes included."""


_FORGET_TROUBLE = """
WITH forgotten AS (DELETE FROM activity_orgtrouble WHERE org_id = %(org)s)
UPDATE integrations_apiusage SET paused_until = NULL, pause_reason = ''
WHERE org_id = %(org)s AND paused_until IS NOT NULL
RETURNING org_id
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The least urgent priority that may be sent, and why the rest waits. `is_probe`: one record, to see."""

    priority: int = LEAST
    reason: Reason | None = None
    detail: str = ""
    is_probe: bool = False


def allowance(org: SalesforceOrg, now: datetime) -> Allowance:
    """What may be sent to the org now. Two queries while nothing is short.

    After a pause one worker alone goes on, with one record; the pause is longer by its length meanwhile.
    """
    usage = usage_of(org.org_id)
    if usage and usage.paused_until:
        reason = Reason.SALESFORCE_DOWN if usage.pause_reason == DOWN else Reason.API_LIMIT
        if usage.paused_until > now or not _take_probe(usage, now):
            return Allowance(NOTHING, reason)
        return Allowance(is_probe=True)
    if usage is None or not usage.maximum:
        return Allowance()
    for purpose, priority in (
        (Purpose.READ, LEAST),
        (Purpose.WRITE, LEAST_OF_MAIL),
        (Purpose.CLICK, CLICKED_BY_PERSON),
    ):
        verdict = may_call(org, purpose, usage)
        if verdict.allowed:
            return Allowance(priority, None if priority == LEAST else Reason.OVER_BUDGET)
    return Allowance(NOTHING, Reason.OVER_BUDGET, verdict.reason)


def _take_probe(usage: ApiUsage, now: datetime) -> bool:
    """Be the one that tries: the first UPDATE wins."""
    pause = DOWN_PAUSE if usage.pause_reason == DOWN else LIMIT_PAUSE
    ended = ApiUsage.objects.filter(org_id=usage.org_id, paused_until=usage.paused_until)
    return bool(ended.update(paused_until=now + pause))


def give_probe_back(org_id: str, now: datetime) -> None:
    """The probe was not used: somebody else may take it at once."""
    ApiUsage.objects.filter(org_id=org_id, paused_until__isnull=False).update(paused_until=now)


def note_failure(org_id: str, now: datetime) -> bool:
    """A call failed as a whole. Returns whether nobody may call the org for a while now."""
    OrgTrouble.objects.bulk_create([OrgTrouble(org_id=org_id, last_failed_at=now)], ignore_conflicts=True)
    OrgTrouble.objects.filter(org_id=org_id).update(failures=F("failures") + 1, last_failed_at=now)
    if OrgTrouble.objects.filter(org_id=org_id, failures__gte=FAILURES_BEFORE_PAUSE).exists():
        pause_org(org_id, now + DOWN_PAUSE, DOWN)
        return True
    return False


def note_answer(org_id: str) -> bool:
    """Salesforce answered: what was counted is forgotten, and a pause ends. Returns whether there was one."""
    return bool(run_prepared(_FORGET_TROUBLE, {"org": org_id}))


def is_paused(org_id: str, now: datetime) -> bool:
    """Whether nobody may call the org just now."""
    return ApiUsage.objects.filter(org_id=org_id, paused_until__gt=now).exists()
