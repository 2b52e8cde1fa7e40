"""From claimed jobs to records that are ready to send: meetings put in order, people matched, fields composed.

What needs no record (nobody matches, nothing to change) is settled here. A fault of ours in one row stops that row.
"""

import logging
from collections.abc import Collection, Mapping, Sequence

from django.utils import timezone

from activity.models import Activity, DueJob, ObjectType, Reason, SyncState
from activity.pipeline.additions import add_to_tasks, is_addition
from activity.pipeline.choose import Ambiguous, Match, choose
from activity.pipeline.claims import BATCH
from activity.pipeline.compose import compose
from activity.pipeline.draft import Composed
from activity.pipeline.exclude import exclude
from activity.pipeline.jobs import Job, Sent, last_sent, matched_before
from activity.pipeline.match import Known, find_known, find_people
from activity.pipeline.meetings import compose_change, order_meetings
from activity.pipeline.parking import park_untried
from activity.pipeline.results import Related
from activity.pipeline.sender import Ready, Sender, build_trace
from activity.pipeline.settle import HELD_AT_LEAST, Settlement
from integrations.salesforce.errors import ConnectionLost, SalesforceError

logger = logging.getLogger(__name__)

LOOK_AHEAD = 2_000
"""So many addresses of further due jobs are asked for along, when a backlog is worked off: a fifth of the calls."""


def prepare(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> list[Ready]:
    """The records to send for the jobs, sorted for one call; the other jobs are settled.

    A new record goes out again as it was sent before; a change is composed of what stands now, also the second time.
    """
    sent = last_sent([job.pk for job in jobs if job.claimed.frozen])
    made = {pk: each for pk, each in sent.items() if each.operation == "create" and each.payload}
    fresh = _leave_out_excluded([job for job in jobs if job.pk not in made], sender, settlement)
    fresh = park_untried(settlement, fresh)
    # Also what is sent again: the meeting may have been moved or canceled meanwhile.
    changes, new = order_meetings([*(job for job in jobs if job.pk in made), *fresh], sender, settlement)
    again = [job for job in new if job.pk in made]
    ready = _send_again(again, made)
    fresh = [job for job in new if job.pk not in made]
    if any(job.claimed.described_again for job in fresh):
        sender.forget_describes()
    known_types = _describe([*(job for job, _ in changes), *fresh], sender, settlement)
    changes = [(job, logged) for job, logged in changes if job.object_type in known_types]
    ready += [each for job, logged in changes if (each := compose_change(job, logged, sender, settlement))]
    fresh = [job for job in fresh if job.object_type in known_types]
    changing = {pk for pk, each in sent.items() if each.operation == "update"}
    additions = {job.pk: job for job in fresh if is_addition(job, sender, changing)}
    if additions:
        fresh = [job for job in fresh if job.pk not in additions]
        added, apart = add_to_tasks(list(additions.values()), [*again, *fresh], sender, settlement)
        ready, fresh = ready + added, fresh + apart
    ready += _compose_new(fresh, sender, settlement)
    return sorted(ready, key=lambda each: each.sort_key)


def _leave_out_excluded(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> list[Job]:
    """What fell under a rule when it was reported is not here; this is for rules that came while a job waited."""
    left, private = [], []
    for job in jobs:
        subject = job.draft.meeting.title if job.draft.meeting else job.draft.subject
        excluded = exclude(sender.settings.exclusions, job.recipient, subject)
        if excluded is None:
            left.append(job)
            continue
        settlement.finish(job, SyncState.SKIPPED, excluded.reason, excluded.detail)
        if excluded.reason == Reason.KEPT_PRIVATE:
            private.append(job.pk)
    if private:
        Activity.objects.filter(sync_jobs__in=private).update(is_private=True)
    return left


def _describe(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> set[ObjectType]:
    """The types of which we know how the member may write them; jobs of the others are settled."""
    known = set()
    for object_type in {job.object_type for job in jobs}:
        try:
            sender.schema_of(object_type)
        except SalesforceError as error:
            settlement.settle_unsent([job for job in jobs if job.object_type == object_type], error)
        else:
            known.add(object_type)
    return known


def _send_again(jobs: Sequence[Job], made: Mapping[int, Sent]) -> list[Ready]:
    """What was composed before goes out again as it was, with the same key."""
    related = matched_before([job.pk for job in jobs])
    return [Ready(job, "create", made[job.pk].payload, related.get(job.pk)) for job in jobs]


# --- New records ------------------------------------------------------------------------------------------


def _compose_new(jobs: Sequence[Job], sender: Sender, settlement: Settlement) -> list[Ready]:
    if not jobs:
        return []
    try:
        known = _know_people(jobs, sender)
    except ConnectionLost as error:
        _hold_for_sync_user(jobs, error, settlement)
        return []
    except SalesforceError as error:
        settlement.settle_unsent(jobs, error)
        return []
    ready = []
    for job in jobs:
        try:
            each = _compose_one(job, known.get(job.recipient, Known()), sender, settlement)
        except Exception as error:
            settlement.fail_on_own_bug(job, error)
        else:
            ready += [each] if each else []
    return ready


def _know_people(jobs: Sequence[Job], sender: Sender) -> dict[str, Known]:
    """The people of the jobs' addresses; asks Salesforce only for those that are not remembered."""
    now = timezone.now()
    again = {job.recipient for job in jobs if job.claimed.matched_again}
    wanted = {job.recipient for job in jobs if job.recipient}
    known = find_known(sender.membership.workspace, wanted - again, now)
    missing = wanted - known.keys()
    if missing and len(jobs) >= BATCH // 2:
        ahead = _addresses_ahead(sender) - wanted
        missing |= ahead - find_known(sender.membership.workspace, ahead, now).keys()
    if missing:
        known |= find_people(sender.membership.workspace, sorted(missing), sender.reader, now)
    return known


def _addresses_ahead(sender: Sender) -> set[str]:
    due = DueJob.objects.filter(connection=sender.connection, due_at__lte=timezone.now(), parked=None)
    addresses = due.exclude(job__recipient="").order_by().values_list("job__recipient", flat=True)
    return set(addresses.distinct()[:LOOK_AHEAD])


def _compose_one(job: Job, known: Known, sender: Sender, settlement: Settlement) -> Ready | None:
    match = choose(known.candidates, sender.rules, known.chosen_id)
    candidates = [{"type": each.kind, "id": each.id, "name": each.name} for each in known.candidates]
    if not isinstance(match, Match):
        settlement.traces[job.pk] = {"settings_version": sender.settings.version, "candidates": candidates}
        if isinstance(match, Ambiguous):
            detail = ", ".join(match.names)
            settlement.finish(job, SyncState.SKIPPED, Reason.AMBIGUOUS, detail, Related())
        else:
            settlement.finish(job, SyncState.SKIPPED, Reason.NO_MATCH, related=Related())
        return None
    composed = compose(job.draft, match, sender.schema_of(job.object_type), sender.style)
    related = _related(match, composed)
    trace = {"candidates": candidates, "match": related.to_json(), "related_rule": match.related_rule}
    settlement.traces[job.pk] = build_trace(sender, composed) | trace
    return Ready(job, "create", composed.record, related, account_id=match.account_id)


def _related(match: Match, composed: Composed) -> Related:
    """What the log shows: only what is in the record."""
    has_what = "WhatId" in composed.record
    return Related(
        person_type=match.person_type,
        person_id=match.person_id,
        person_name=match.person_name,
        related_type=match.related_type if has_what else "",
        related_id=match.related_id if has_what else "",
        related_name=match.related_name if has_what else "",
        match_rule=match.rule,
    )


def _hold_for_sync_user(jobs: Collection[Job], error: ConnectionLost, settlement: Settlement) -> None:
    """The Sync User cannot read: its loss was noted by the client, and everything is held until it is back."""
    settlement.stops = True
    for job in jobs:
        due_at = settlement.now + HELD_AT_LEAST
        settlement.postpone(job, due_at, state=SyncState.HELD, reason=Reason.NO_SYNC_USER, error_code=error.code)
