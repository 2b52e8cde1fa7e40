"""API calls are the org's, shared with all its other apps: how many are used, and who may still make one.

The ladder, in % of the org's daily maximum: background reads stop at 80, every write but a person's click at 90,
everything at 95. Beside it stands our own share, the admin's cap: at it, only clicks go on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from django.utils import timezone

from config.prepared import run_prepared
from integrations.models import ApiCallCount, ApiUsage, Connection, SalesforceOrg
from integrations.salesforce.http import Usage


class Purpose(StrEnum):
    """What a call is for, the most urgent first."""

    CLICK = "click"
    WRITE = "write"
    READ = "read"


STOPS_AT_PERCENT = {Purpose.CLICK: 95, Purpose.WRITE: 90, Purpose.READ: 80}
FIGURE_HOLDS_FOR = timedelta(minutes=15)
"""The org's use falls while we are silent: an older figure stops nobody, and the next answer renews it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may be made; otherwise why not (a sentence) and when to ask again (UTC)."""

    allowed: bool
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Consumption:
    """Figures for the pages; both percents are of the org's maximum, None when that is unknown."""

    used: int
    maximum: int
    ours_today: int
    percent: int | None
    ours_percent: int | None
    seen_at: datetime | None
    paused_until: datetime | None
    pause_reason: str


_NOTE_CALL = """
WITH seen AS (
    UPDATE integrations_apiusage SET used = %(used)s, maximum = %(maximum)s, seen_at = %(now)s WHERE org_id = %(org)s
    RETURNING org_id
), counted AS (
    UPDATE integrations_apicallcount SET calls = calls + 1 WHERE connection_id = %(connection)s AND day = %(day)s
    RETURNING id
)
SELECT EXISTS (SELECT 1 FROM seen), EXISTS (SELECT 1 FROM counted)
"""
_CALLS_TODAY = """
SELECT COALESCE(sum(calls), 0)::bigint FROM integrations_apicallcount WHERE org_id = %(org)s AND day = %(day)s
"""
_USAGE = """
SELECT org_id, used, maximum, seen_at, paused_until, pause_reason FROM integrations_apiusage WHERE org_id = %(org)s
"""


def note_call(connection: Connection, org_id: str, usage: Usage) -> None:
    """Count a call of ours, and keep what Salesforce said with its answer; one statement but for the day's first."""
    now = timezone.now()
    figures = {"used": usage.used, "maximum": usage.maximum, "org": org_id}
    [(seen, counted)] = run_prepared(
        _NOTE_CALL, figures | {"connection": connection.pk, "day": now.date(), "now": now}
    )
    if not seen:
        record_usage(org_id, usage)
    if not counted:
        count_call(connection, org_id)


def usage_of(org_id: str) -> ApiUsage | None:
    """What is on file of the org's use; one query."""
    rows = run_prepared(_USAGE, {"org": org_id})
    return ApiUsage(*rows[0]) if rows else None


def record_usage(org_id: str, usage: Usage) -> None:
    """Keep what Salesforce said last about the org's use; one UPDATE."""
    figures = {"used": usage.used, "maximum": usage.maximum, "seen_at": timezone.now()}
    if not ApiUsage.objects.filter(org_id=org_id).update(**figures):
        ApiUsage.objects.bulk_create([ApiUsage(org_id=org_id, **figures)], ignore_conflicts=True)


def count_call(connection: Connection, org_id: str, calls: int = 1) -> None:
    """Count calls of ours for the connection on today's UTC date; one UPDATE but for the day's first."""
    today = ApiCallCount.objects.filter(connection=connection, day=timezone.now().date())
    if today.update(calls=F("calls") + calls):
        return
    try:
        with transaction.atomic():
            ApiCallCount.objects.create(connection=connection, org_id=org_id, day=timezone.now().date(), calls=calls)
    except IntegrityError:
        today.update(calls=F("calls") + calls)


def pause_org(org_id: str, until: datetime, reason: str) -> None:
    """Let nobody call the org before `until` (UTC); a later end than the one on file wins. reason: ≤40 characters."""
    pause = {"paused_until": until, "pause_reason": reason[:40]}
    ApiUsage.objects.bulk_create([ApiUsage(org_id=org_id)], ignore_conflicts=True)
    rows = ApiUsage.objects.filter(org_id=org_id)
    rows.filter(paused_until=None).update(**pause) or rows.filter(paused_until__lt=until).update(**pause)


def calls_today(org_id: str) -> int:
    """Our own calls to the org today (UTC), over all workspaces of this installation."""
    [(calls,)] = run_prepared(_CALLS_TODAY, {"org": org_id, "day": timezone.now().date()})
    return calls


def calls_today_of(connection: Connection) -> int:
    """The calls that were made with this connection today (UTC)."""
    counts = ApiCallCount.objects.filter(connection=connection, day=timezone.now().date())
    return counts.aggregate(total=Sum("calls"))["total"] or 0


def consumption(org: SalesforceOrg) -> Consumption:
    """What the pages show of the org's API use."""
    usage = ApiUsage.objects.filter(org_id=org.org_id).first() or ApiUsage(org_id=org.org_id)
    ours = calls_today(org.org_id)
    known = usage.maximum > 0
    return Consumption(
        used=usage.used,
        maximum=usage.maximum,
        ours_today=ours,
        percent=usage.used * 100 // usage.maximum if known else None,
        ours_percent=ours * 100 // usage.maximum if known else None,
        seen_at=usage.seen_at,
        paused_until=usage.paused_until,
        pause_reason=usage.pause_reason,
    )


def may_call(org: SalesforceOrg, purpose: Purpose, usage: ApiUsage | None = None) -> Verdict:
    """Whether a call for this purpose may be made to the org now; at most two queries, no call.

    `usage` is the org's, where it was just read.
    """
    usage = usage or usage_of(org.org_id)
    now = timezone.now()
    if usage is None:
        return Verdict(True)
    if usage.paused_until and usage.paused_until > now:
        return Verdict(False, "Salesforce takes no more API calls for your org just now.", usage.paused_until)
    if not usage.maximum:
        return Verdict(True)
    return _by_org_use(usage, purpose, now) or _by_own_share(org, usage, purpose, now) or Verdict(True)


def _by_org_use(usage: ApiUsage, purpose: Purpose, now: datetime) -> Verdict | None:
    limit = STOPS_AT_PERCENT[purpose]
    fresh_until = usage.seen_at + FIGURE_HOLDS_FOR if usage.seen_at else now
    if usage.used * 100 < limit * usage.maximum or fresh_until <= now:
        return None
    return Verdict(False, f"Your org has used {limit}% of its Salesforce API calls for today.", fresh_until)


def _by_own_share(org: SalesforceOrg, usage: ApiUsage, purpose: Purpose, now: datetime) -> Verdict | None:
    if purpose is Purpose.CLICK or calls_today(org.org_id) * 100 < org.api_cap_percent * usage.maximum:
        return None
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return Verdict(False, f"Touchline has used its share of {org.api_cap_percent} % for today.", tomorrow)
