"""One living Task for a message: opens, clicks and downloads become lines of the mail's own Task.

Only where the role wants it. What stands in the Task is read first, so that nobody's own words are overwritten; where
the mail itself was never logged, or there is no room, the activity has a Task of its own.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from activity.models import Reason, SyncState
from activity.pipeline.compose import TRACKED_KINDS, compose_line
from activity.pipeline.jobs import Job, Logged, tasks_of_messages, unfinished_mails
from activity.pipeline.sender import Ready, Sender, build_trace
from activity.pipeline.settle import Settlement
from integrations.salesforce.errors import SalesforceError

MAIL_IS_HELD = timedelta(minutes=5)
"""How long an addition waits before it looks again whether the mail itself has been logged."""


def is_addition(job: Job, sender: Sender, changing: Collection[int]) -> bool:
    """Whether the job may become a line of another Task. `changing`: jobs that were sent as such before, which they
    stay whatever the role wants by now.
    """
    return job.draft.kind in TRACKED_KINDS and (job.pk in changing or sender.settings.one_task_per_message)


def add_to_tasks(
    additions: Sequence[Job], others: Sequence[Job], sender: Sender, settlement: Settlement
) -> tuple[list[Ready], list[Job]]:
    """The changes of the mails' Tasks, and the jobs that get a Task of their own; the rest of `additions` is settled.

    `others` are the batch's other jobs.
    """
    messages = {job.message_id for job in additions if job.message_id}
    tasks = tasks_of_messages(sender.membership.pk, messages)
    unfinished = unfinished_mails(sender.membership.pk, messages)
    in_batch = {(job.message_id, job.recipient) for job in others}
    found: dict[str, tuple[Job, Logged]] = {}
    rest: list[Job] = []
    for job in additions:
        place = (job.message_id or 0, job.recipient)
        task = tasks.get(place)
        if place in unfinished:
            wait = timedelta(0) if place in in_batch else MAIL_IS_HELD
            settlement.postpone(job, settlement.now + wait)
        elif task is None:
            rest.append(job)
        elif task.is_removed:
            settlement.finish(job, SyncState.SKIPPED, Reason.REMOVED)
        elif task.salesforce_id in found:
            settlement.postpone(job, settlement.now)  # after the other one: one change of a record in a call
        else:
            found[task.salesforce_id] = (job, task)
    return _compose_lines(found, sender, settlement, rest), rest


def _compose_lines(
    found: dict[str, tuple[Job, Logged]], sender: Sender, settlement: Settlement, rest: list[Job]
) -> list[Ready]:
    if not found:
        return []
    try:
        descriptions = sender.client.read_descriptions("Task", list(found))
    except SalesforceError as error:
        settlement.settle_unsent([job for job, _ in found.values()], error)
        return []
    ready = []
    for salesforce_id, (job, task) in found.items():
        if salesforce_id not in descriptions:
            settlement.finish(job, SyncState.SKIPPED, Reason.REMOVED)
            continue
        composed = compose_line(job.draft, salesforce_id, descriptions[salesforce_id], sender.task_schema)
        if composed is None:
            rest.append(job)
        elif "Description" not in composed.record:
            settlement.succeed_with_change(job, task.pk, salesforce_id, "")
        else:
            settlement.traces[job.pk] = build_trace(sender, composed) | {"changes": salesforce_id}
            ready.append(Ready(job, "update", composed.record, logged=task))
    return ready
