"""One Event for the life of a meeting."""

from collections.abc import Sequence
from dataclasses import replace

from activity.models import Kind, Reason, SyncState
from activity.pipeline.compose import compose_update
from activity.pipeline.jobs import Job, Logged, newest_of_meetings, records_of_meetings
from activity.pipeline.sender import Ready, Sender, build_trace, digest_of
from activity.pipeline.settle import Settlement


def order_meetings(
    jobs: Sequence[Job], sender: Sender, settlement: Settlement
) -> tuple[list[tuple[Job, Logged]], list[Job]]:
    """One Event for the life of a meeting: what changes a record of ours, and what is to be created.

    Only the newest report counts: the Event is composed of the meeting as it stands. A meeting that was canceled
    before its Event was created leaves none.
    """
    meetings = {job.meeting_id for job in jobs if job.meeting_id}
    newest = newest_of_meetings(sender.membership.pk, meetings)
    records = records_of_meetings(sender.membership.pk, meetings)
    changes, new = [], []
    for job in jobs:
        logged = records.get((job.meeting_id or 0, job.recipient))
        if job.meeting_id is None:
            new.append(job)
        elif newest.get((job.meeting_id, job.recipient), job.pk) != job.pk:
            settlement.finish(job, SyncState.SKIPPED, Reason.SUPERSEDED)
        elif logged is not None and logged.is_removed:
            settlement.finish(job, SyncState.SKIPPED, Reason.REMOVED)
        elif logged is not None:
            changes.append((job, logged))
        elif job.draft.kind == Kind.MEETING_CANCELED:
            settlement.finish(job, SyncState.SKIPPED, Reason.SUPERSEDED)
        else:
            new.append(job)
    return changes, new


def compose_change(job: Job, logged: Logged, sender: Sender, settlement: Settlement) -> Ready | None:
    """The change of a meeting's Event; None when there is nothing to change, or on a bug of ours."""
    try:
        draft = replace(job.draft, key=logged.key)
        composed = compose_update(draft, logged.salesforce_id, sender.event_schema, sender.style)
    except Exception as error:
        settlement.fail_on_own_bug(job, error)
        return None
    if digest_of(composed.record) == logged.digest:
        settlement.finish(job, SyncState.SKIPPED, Reason.SUPERSEDED)
        return None
    settlement.traces[job.pk] = build_trace(sender, composed) | {"changes": logged.salesforce_id}
    return Ready(job, "update", composed.record, logged=logged)
