"""People who appear in Salesforce later: what was unmatched is logged then, with its text where a mailbox has it."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from activity.models import KnownPerson, Reason, SyncJob, SyncState
from activity.pipeline.late_texts import make_due_with_texts
from activity.pipeline.match import MISS_HOLDS_FOR, find_people, forget_people
from activity.pipeline.standing import standings_of
from activity.wake import wake
from integrations.budget import Purpose, may_call
from integrations.connections import client_for, live_org
from integrations.salesforce.client import Person
from integrations.salesforce.errors import SalesforceError
from workspaces.models import Membership, Workspace

ADDRESSES_AT_ONCE = 400
"""What one call to Salesforce takes."""


def forget_changed(workspace: Workspace, people: Iterable[Person]) -> set[str]:
    """Drop what is remembered of people who changed; returns their addresses, old and new ones."""
    changed = list(people)
    ids = {person.id for person in changed}
    addresses = {person.email.lower() for person in changed if person.email}
    by_id = Q()
    for record_id in ids:
        by_id |= Q(candidates__contains=[{"id": record_id}])
    if ids:
        known = KnownPerson.objects.filter(by_id, workspace=workspace)
        addresses |= set(known.values_list("address", flat=True))
    forget_people(workspace, addresses)
    return addresses


def log_late(workspace: Workspace, addresses: Collection[str]) -> int:
    """Let the jobs flow that were skipped because nobody had one of these addresses; returns how many do."""
    skipped = SyncJob.objects.filter(
        workspace=workspace, state=SyncState.SKIPPED, reason=Reason.NO_MATCH, recipient__in=list(addresses)
    )
    by_owner: dict[int, list[int]] = {}
    for owner, pk in skipped.order_by("pk").values_list("owner", "pk"):
        by_owner.setdefault(owner, []).append(pk)
    owners = list(Membership.objects.filter(pk__in=by_owner).select_related("role"))
    standings = standings_of(workspace, owners)
    count = 0
    for membership in owners:
        standing = standings[membership.pk]
        if standing.reason is None and standing.connection:
            count += make_due_with_texts(membership, by_owner[membership.pk], standing.connection.pk)
            wake(standing.connection.pk)
    return count


def match_late(workspace: Workspace) -> int:
    """Ask again for addresses that nobody had an hour ago; one call at most. Returns how many jobs go on."""
    org = live_org(workspace)
    if org is None or org.sync_user is None or not org.sync_user.is_usable or not may_call(org, Purpose.READ).allowed:
        return 0
    addresses = _unmatched_addresses(workspace, timezone.now())
    if not addresses:
        return 0
    try:
        found = find_people(workspace, addresses, client_for(org.sync_user), timezone.now())
    except SalesforceError:
        return 0  # the client took note of it; the next run asks again
    return log_late(workspace, [address for address, known in found.items() if known.candidates])


def _unmatched_addresses(workspace: Workspace, now: datetime) -> list[str]:
    """Addresses of unmatched activities, those first that were asked for longest ago."""
    since = now - timedelta(days=workspace.retention_days)
    unmatched = SyncJob.objects.filter(
        workspace=workspace, state=SyncState.SKIPPED, reason=Reason.NO_MATCH, created_at__gt=since
    )
    stale = KnownPerson.objects.filter(
        workspace=workspace,
        candidates=[],
        fetched_at__lt=now - MISS_HOLDS_FOR,
        address__in=unmatched.values("recipient"),
    )
    return list(stale.order_by("fetched_at").values_list("address", flat=True)[:ADDRESSES_AT_ONCE])
