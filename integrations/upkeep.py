"""What must be done from time to time, so that no connection dies silently."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations import preflight, tokens
from integrations.models import (
    MENDABLE,
    ApiCallCount,
    CachedDescribe,
    Connection,
    ConnectionState,
    MailboxSignIn,
    NoticeSent,
    PendingGrant,
    PendingRevocation,
)
from integrations.salesforce.errors import SalesforceError

KEPT_ALIVE_EVERY = timedelta(days=7)
"""Salesforce ends a grant that was idle for 30 days; each rotation is a chance to lose the token, so not oftener."""
CHECKED_EVERY = timedelta(hours=24)
TRACES_KEPT = timedelta(days=90)


def keep_alive(limit: int = 100) -> int:
    """Refresh connections that were not refreshed for a week; returns how many."""
    idle = Connection.objects.filter(
        state=ConnectionState.CONNECTED, refreshed_at__lt=timezone.now() - KEPT_ALIVE_EVERY
    )
    return _renew(idle.order_by("refreshed_at"), limit)


def finish_abandoned_refreshes(limit: int = 100) -> int:
    """Settle leases whose holder died, so that each ends as connected or as needing attention; returns how many."""
    abandoned = Connection.objects.filter(disconnected_at=None, refresh_until__lt=Now()).exclude(refresh_holder="")
    return _renew(abandoned.filter(state=ConnectionState.CONNECTED), limit)


def _renew(rows: "Connection.objects", limit: int) -> int:
    renewed = 0
    for pk, version in list(rows.values_list("pk", "token_version")[:limit]):
        try:
            tokens.renew(pk, version)
            renewed += 1
        except SalesforceError:
            continue  # tokens.py has noted it: a later run, or the person, goes on
    return renewed


def check_permissions(limit: int = 50) -> int:
    """Run the pre-flight where it is a day old, also where an admin may have mended the cause; returns how many."""
    due = (
        Connection.objects.select_related("workspace", "org", "salesforce_user", "membership__user")
        .filter(Q(state=ConnectionState.CONNECTED) | Q(state=ConnectionState.NEEDS_ATTENTION, cause__in=MENDABLE))
        .filter(Q(preflight_at=None) | Q(preflight_at__lt=timezone.now() - CHECKED_EVERY))
    )
    checked = 0
    for connection in list(due.order_by("preflight_at")[:limit]):
        Connection.objects.filter(pk=connection.pk).update(preflight_at=timezone.now())
        checked += check_one(connection)
    return checked


def check_one(connection: Connection) -> bool:
    """Run the pre-flight of one connection; returns whether Salesforce could be asked."""
    try:
        preflight.run(connection)
    except SalesforceError:
        return False
    return True


def forget_old() -> int:
    """Delete traces that nobody needs any more; returns how many rows."""
    before = timezone.now() - TRACES_KEPT
    old = (
        NoticeSent.objects.filter(day__lt=before.date()),
        PendingGrant.objects.filter(ended_at__lt=before),
        MailboxSignIn.objects.filter(ended_at__lt=before),
        PendingRevocation.objects.filter(Q(revoked_at__lt=before) | Q(given_up_at__lt=before)),
        ApiCallCount.objects.filter(day__lt=before.date()),
        CachedDescribe.objects.filter(fetched_at__lt=before),
    )
    return sum(rows.delete()[0] for rows in old)
