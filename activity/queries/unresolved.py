"""Addresses that belong to nobody in Salesforce, or to several people, with what waits for each."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet

from activity.models import ExclusionKind, SyncJob, SyncState
from activity.queries.job import UNMATCHED, Candidate, build_candidates
from workspaces.models import Membership

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Address:
    """One address: how many activities it has that are not logged, the last one's time, who could be meant."""

    address: str
    activities: int
    last_at: datetime
    candidates: tuple[Candidate, ...]

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class AddressPage:
    """Addresses, the one with the newest activity first; `older` is the time to go on from, None at the end."""

    addresses: tuple[Address, ...]
    older: datetime | None


def unresolved(
    viewer: Membership, search: str = "", before: datetime | None = None, size: int = PAGE_SIZE
) -> AddressPage:
    """A page of the viewer's own addresses; `search` is part of an address in lower case. Three queries."""
    jobs = unresolved_jobs(viewer)
    if search:
        jobs = jobs.filter(recipient__contains=search)
    groups = jobs.order_by().values("recipient").annotate(activities=Count("id"), last_at=Max("created_at"))
    if before:
        groups = groups.filter(last_at__lt=before)
    found = list(groups.order_by("-last_at", "recipient")[: size + 1])
    known = viewer.workspace.known_people.filter(address__in=[group["recipient"] for group in found[:size]])
    candidates = {person.address: build_candidates(person) for person in known}
    addresses = tuple(
        Address(group["recipient"], group["activities"], group["last_at"], candidates.get(group["recipient"], ()))
        for group in found[:size]
    )
    return AddressPage(addresses, addresses[-1].last_at if len(found) > size else None)


def unresolved_jobs(viewer: Membership) -> QuerySet[SyncJob]:
    """The viewer's own jobs without a match or with several, except for what he never wants logged."""
    jobs = viewer.sync_jobs.filter(workspace=viewer.workspace, state=SyncState.SKIPPED, reason__in=UNMATCHED).exclude(
        recipient=""
    )
    return jobs.exclude(_ignored(viewer))


def _ignored(viewer: Membership) -> Q:
    ignored = Q(pk__in=())
    for rule in viewer.never_log.exclude(kind=ExclusionKind.SUBJECT):
        if rule.kind == ExclusionKind.DOMAIN:
            ignored |= Q(recipient__endswith=f"@{rule.value}") | Q(recipient__endswith=f".{rule.value}")
        else:
            ignored |= Q(recipient=rule.value)
    return ignored
