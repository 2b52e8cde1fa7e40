"""May an org be called now, and for what? The budget's ladder, and pauses that end with one probe, not a rush."""

from dataclasses import dataclass
from datetime import datetime

from activity.models import Reason
from activity.pipeline.claims import CLICKED_BY_PERSON, LEAST, LEAST_OF_MAIL
from activity.pipeline.outcome import DOWN_PAUSE, LIMIT_PAUSE
from integrations.budget import Purpose, may_call, pause_org
from integrations.models import ApiUsage, SalesforceOrg

DOWN = "salesforce_down"
NOTHING = -2
"""A priority below all, those of unknown outcomes included."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The least urgent priority that may be sent, and why the rest waits. `is_probe`: one record, to see."""

    priority: int = LEAST
    reason: Reason | None = None
    detail: str = ""
    is_probe: bool = False


def allowance(org: SalesforceOrg, now: datetime) -> Allowance:
    """What may be sent to the org now. One query while nothing is short.

    After a pause one worker alone goes on, with one record; the pause is longer by its length meanwhile.
    """
    usage = ApiUsage.objects.filter(org_id=org.org_id).first()
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
        verdict = may_call(org, purpose)
        if verdict.allowed:
            return Allowance(priority, None if priority == LEAST else Reason.OVER_BUDGET)
    return Allowance(NOTHING, Reason.OVER_BUDGET, verdict.reason)


def _take_probe(usage: ApiUsage, now: datetime) -> bool:
    """Be the one that tries: the first UPDATE wins."""
    pause = DOWN_PAUSE if usage.pause_reason == DOWN else LIMIT_PAUSE
    ended = ApiUsage.objects.filter(org_id=usage.org_id, paused_until=usage.paused_until)
    return bool(ended.update(paused_until=now + pause))


def pause_for_silence(org_id: str, until: datetime) -> None:
    """Salesforce does not answer: nobody calls the org before then."""
    pause_org(org_id, until, DOWN)


def end_pause(org_id: str) -> None:
    """Salesforce answered a probe: everybody may go on."""
    ApiUsage.objects.filter(org_id=org_id).update(paused_until=None, pause_reason="")


def is_paused(org_id: str, now: datetime) -> bool:
    """Whether nobody may call the org just now."""
    return ApiUsage.objects.filter(org_id=org_id, paused_until__gt=now).exists()
