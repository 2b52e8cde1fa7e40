"""What changed in Salesforce: contacts and leads that were added, edited, merged, converted or deleted.

Read by the Sync User each half hour, so that what is remembered of an address stays true without asking for each
one. A watermark on SystemModstamp with an overlap, because rows commit out of order.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from integrations.budget import Purpose, may_call
from integrations.connections import client_for
from integrations.models import SalesforceOrg
from integrations.salesforce.client import Person
from integrations.salesforce.errors import SalesforceError
from integrations.signals import records_changed

OVERLAP = timedelta(minutes=2)
IDLE_AFTER = timedelta(days=1)
"""An org that nobody has used for a day is not read: an idle installation costs no calls."""
MOST_ROWS = 10_000

logger = logging.getLogger(__name__)


def read_all_changes() -> int:
    """Read every org in use; returns how many changed people were found. One org's fault does not stop the others."""
    return sum(read_changes(org) for org in orgs_in_use(timezone.now()))


def orgs_in_use(now: datetime) -> list[SalesforceOrg]:
    """Live orgs whose Sync User works and whose connections were used within a day."""
    live = SalesforceOrg.objects.filter(retired_at=None, sync_user__state="connected")
    used = live.filter(connections__last_used_at__gte=now - IDLE_AFTER).distinct()
    return list(used.select_related("sync_user", "workspace").order_by("pk"))


def read_changes(org: SalesforceOrg) -> int:
    """Read what changed since the last time and tell the app above; the first time only sets the watermark."""
    now = timezone.now()
    if org.people_read_until is None:
        SalesforceOrg.objects.filter(pk=org.pk).update(people_read_until=now)
        return 0
    if org.sync_user is None or not may_call(org, Purpose.READ).allowed:
        return 0
    try:
        client = client_for(org.sync_user)
        since = org.people_read_until - OVERLAP
        found = [client.changes_since(kind, since, limit=MOST_ROWS) for kind in ("Contact", "Lead")]
    except SalesforceError as error:
        logger.warning("changes in org %s could not be read: %s", org.pk, error)
        return 0
    _tell(org, found, now)
    return sum(map(len, found))


def _tell(org: SalesforceOrg, found: list[list[Person]], now: datetime) -> None:
    """News and watermark in one transaction. An object that brought all it may bring has left some for next time."""
    full = [people[-1].modified_at for people in found if len(people) >= MOST_ROWS]
    people = [person for group in found for person in group]
    with transaction.atomic():
        SalesforceOrg.objects.filter(pk=org.pk).update(people_read_until=min([now, *full]))
        if people:
            records_changed.send(SalesforceOrg, org=org, people=people)
