"""What is done to all rows that stand still for one cause, by a person on Sync health or on a row."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from activity.models import ErrorGroup, Reason, SyncJob, SyncState
from activity.pipeline import hold, match
from activity.pipeline.claims import make_due
from activity.pipeline.exclude import exclude
from activity.pipeline.standing import standings_of
from activity.repair import NEVER_AGAIN, retry
from activity.settings import settings_of
from activity.wake import wake
from workspaces.audit import Action, record
from workspaces.models import Membership, User, Workspace

MOST_AT_ONCE = 50_000


def retry_cause(
    workspace: Workspace, reason: str, by: User, owner: Membership | None = None, error_code: str | None = None
) -> int:
    """Let all jobs that stand still for one cause go again where nothing else stands in the way; returns how many.

    `owner`: only this member's. `error_code`: only those with this code.
    """
    jobs = _stopped_for(workspace, reason, owner, error_code)
    with transaction.atomic():
        if Reason(reason) in hold.STANDING_REASONS:
            count = hold.release_held(workspace, Reason(reason), owner=owner, other_salesforce_user=True)
        else:
            count = _release(workspace, jobs)
        if count:
            details = {"reason": reason, "error_code": error_code or "", "count": count}
            record(Action.JOB_RETRIED, workspace=workspace, actor=by, target=f"{count} activities", details=details)
    return count


def try_one(
    workspace: Workspace, reason: str, by: User, owner: Membership | None = None, error_code: str | None = None
) -> SyncJob | None:
    """Retry the newest job of a cause, to see whether it is gone; the others follow when it succeeds."""
    job = _stopped_for(workspace, reason, owner, error_code).order_by("-pk").first()
    if job is not None:
        retry(job, by)
    return job


def _stopped_for(
    workspace: Workspace, reason: str, owner: Membership | None, error_code: str | None
) -> QuerySet[SyncJob]:
    jobs = SyncJob.objects.filter(
        workspace=workspace, reason=reason, state__in=(SyncState.HELD, SyncState.FAILED, SyncState.SKIPPED)
    ).exclude(reason__in=NEVER_AGAIN)
    if owner is not None:
        jobs = jobs.filter(owner=owner)
    return jobs if error_code is None else jobs.filter(error_code=error_code)


def _release(workspace: Workspace, jobs: QuerySet[SyncJob]) -> int:
    """Let the jobs go that no list keeps out by now: what is private stays private, whoever asks for it."""
    rows = list(jobs.order_by("pk").values_list("pk", "owner", "recipient", "subject")[:MOST_AT_ONCE])
    owners = list(Membership.objects.filter(pk__in={row[1] for row in rows}).select_related("role", "user"))
    settings = settings_of(owners)
    by_owner: dict[int, list[int]] = defaultdict(list)
    addresses = set()
    for pk, owner, recipient, subject in rows:
        if not exclude(settings[owner].exclusions, recipient, subject):
            by_owner[owner].append(pk)
            addresses.add(recipient)
    match.forget_people(workspace, addresses)
    return _send_off(workspace, owners, by_owner)


def _send_off(workspace: Workspace, owners: Iterable[Membership], jobs: dict[int, list[int]]) -> int:
    """Make the jobs due for those owners who have a way to Salesforce."""
    count = 0
    standings = standings_of(workspace, list(owners))
    # A person says that the cause is gone: all are tried, not one canary.
    ErrorGroup.objects.filter(workspace=workspace, connection__membership__in=standings).update(is_total=False)
    for owner, standing in standings.items():
        if standing.reason is None and standing.connection:
            count += make_due(jobs[owner], standing.connection.pk, timezone.now(), anew=True)
    wake(*(each.connection.pk for each in standings.values() if each.reason is None and each.connection))
    return count
