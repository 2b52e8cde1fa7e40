"""The one hole that no lock closes: a worker that was frozen between its last check and the call.

It writes what another one has written meanwhile. Such a record stands in no row of ours but carries the key of one:
once an hour the keys that were sent more than once are looked up, and the younger untouched one of two is taken back.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from activity.models import LoggedRecord, SyncAttempt, SyncJob, SyncState
from activity.pipeline.verify import BEFORE_SENDING
from integrations.budget import Purpose, may_call
from integrations.connections import client_for
from integrations.models import Connection
from integrations.salesforce.client import FoundRecord, SalesforceClient
from integrations.salesforce.errors import SalesforceError

logger = logging.getLogger(__name__)

LOOKED_AT = timedelta(hours=3)


def remove_doubles() -> int:
    """Look up what was sent more than once lately; returns how many records were taken back."""
    since = timezone.now() - LOOKED_AT
    keys = _keys_sent_twice(since)
    return sum(_remove_of(connection_id, found, since) for connection_id, found in keys.items())


def _keys_sent_twice(since: datetime) -> dict[int, list[LoggedRecord]]:
    """Records of ours whose job was handed over more than once, by the connection that did."""
    creates = SyncAttempt.objects.filter(operation="create")
    earlier = creates.filter(job_id=OuterRef("job_id"), number__lt=OuterRef("number"))
    twice = creates.filter(Exists(earlier), started_at__gt=since, number__gt=1)
    connections = dict(twice.values_list("job_id", "connection_id"))
    jobs = SyncJob.objects.filter(pk__in=connections, state=SyncState.SYNCED)
    of_key = {key: connections[pk] for pk, key in jobs.values_list("pk", "key")}
    found: dict[int, list[LoggedRecord]] = defaultdict(list)
    for logged in LoggedRecord.objects.filter(key__in=of_key, removed_at=None):
        found[of_key[logged.key]].append(logged)
    return found


def _remove_of(connection_id: int, records: list[LoggedRecord], since: datetime) -> int:
    # The one that sent may have ended: whoever follows it as the same Salesforce user takes back what it wrote.
    connection = (
        Connection.objects.without_secrets()
        .live()
        .select_related("org", "salesforce_user", "workspace")
        .filter(salesforce_user__connections=connection_id, workspace__connections=connection_id)
        .first()
    )
    if connection is None or not connection.is_usable or not may_call(connection.org, Purpose.READ).allowed:
        return 0
    try:
        return _take_back(records, client_for(connection), since)
    except SalesforceError as error:
        logger.warning("doubles of connection %s could not be looked up: %s", connection_id, error)
        return 0


def _take_back(records: list[LoggedRecord], client: SalesforceClient, since: datetime) -> int:
    kept = {logged.key: logged.salesforce_id for logged in records}
    extra = [
        found.id
        for found in _find(records, client, since - BEFORE_SENDING)
        if found.id != kept[found.key] and not found.is_deleted and found.modified_at == found.created_at
    ]
    if not extra:
        return 0
    logger.warning("%s records were written twice and are taken back", len(extra))
    return sum(result.error is None for result in client.delete_many(extra[:200]))


def _find(records: list[LoggedRecord], client: SalesforceClient, since: datetime) -> list[FoundRecord]:
    methods: dict[tuple[str, bool, str], list[str]] = defaultdict(list)
    for logged in records:
        methods[logged.object_type, logged.in_call_object, logged.salesforce_user_id].append(logged.key)
    found: list[FoundRecord] = []
    for (object_type, in_call_object, user), keys in methods.items():
        look_up = client.find_by_key if in_call_object else client.find_by_marker
        found += look_up(object_type, keys, created_by=user, since=since)
    return found
