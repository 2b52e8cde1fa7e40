"""Turn decisions into rows: final states, postponements, attempts' answers, records of ours, error groups."""

import json
import logging
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from activity.models import LoggedRecord, Outcome, Reason, SyncState
from activity.pipeline import parking, results
from activity.pipeline.arrays import as_array
from activity.pipeline.jobs import Job
from activity.pipeline.outcome import Action, Decision, Tried, decide, decide_unsent
from activity.pipeline.results import Answered, Finished, Logged, Postponed, Related
from activity.pipeline.statements import run
from integrations.models import Connection
from integrations.salesforce.errors import LimitReached, NoAccess, RecordGone, SalesforceError, Transient

logger = logging.getLogger(__name__)

HELD_AT_LEAST = timedelta(seconds=60)
"""A release makes a held job due at once; without one it is tried again so much later, not in a rush."""


@dataclass
class Settlement:
    """What a batch came to, collected row by row and written in one transaction by `write`."""

    connection: Connection
    now: datetime
    finished: list[Finished] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)
    answers: list[Answered] = field(default_factory=list)
    records: list[Logged] = field(default_factory=list)
    changed_records: dict[int, str] = field(default_factory=dict)
    traces: dict[int, dict[str, Any]] = field(default_factory=dict)
    messages: set[int] = field(default_factory=set)
    stopped: list[tuple[Job, Decision, Related | None]] = field(default_factory=list)
    lacks_access: bool = False
    successes: list[Job] = field(default_factory=list)
    # Whether the worker's turn ends: nothing more can be done for this connection just now.
    stops: bool = False
    # Whether a call failed as a whole, or was answered.
    has_failed: bool = False
    is_answered: bool = False

    # --- Results of rows ----------------------------------------------------------------------------------

    def finish(
        self, job: Job, state: SyncState, reason: str = "", detail: str = "", related: Related | None = None
    ) -> None:
        """The job needs nothing more and was not sent."""
        self._touch(job)
        self.finished.append(
            Finished(job.pk, job.claimed.attempt, state, reason, detail, job.error_code, related=related)
        )

    def succeed(self, job: Job, logged: Logged, related: Related | None, outcome: Outcome = Outcome.SYNCED) -> None:
        """A new record stands in Salesforce."""
        self.records.append(logged)
        self._succeed(job, logged.salesforce_id, related, outcome)

    def succeed_with_change(self, job: Job, record: int, salesforce_id: str, digest: str) -> None:
        """A record of ours (by its row's id) was changed, and says now what the digest is of."""
        self.changed_records[record] = digest
        self._succeed(job, salesforce_id, None, Outcome.SYNCED)

    def _succeed(self, job: Job, salesforce_id: str, related: Related | None, outcome: Outcome) -> None:
        self._touch(job)
        self.successes.append(job)
        self.finished.append(
            Finished(
                job.pk,
                job.claimed.attempt,
                SyncState.SYNCED,
                salesforce_id=salesforce_id,
                related=related,
            )
        )
        self.answer(job, outcome, {"id": salesforce_id, "success": True, "errors": []})

    def postpone(self, job: Job, due_at: datetime, **changes: Any) -> None:
        """Go on later; what is not named in `changes` stays as it was claimed."""
        claimed = job.claimed
        kept = {
            "retries": claimed.retries,
            "deaths": claimed.deaths,
            "matched_again": claimed.matched_again,
            "described_again": claimed.described_again,
            "frozen": claimed.frozen,
            "error_code": job.error_code,
        }
        self.postponed.append(Postponed(job.pk, claimed.attempt, due_at, **(kept | changes)))

    def answer(self, job: Job, outcome: Outcome, body: Any = None, error: SalesforceError | None = None) -> None:
        """Complete the attempt with this row's part of the answer."""
        if error is not None:
            body = [{"statusCode": error.code, "message": error.salesforce_text, "fields": list(error.fields)}]
            body = {"success": False, "errors": body}
        self.answers.append(
            Answered(
                job.pk,
                job.claimed.attempt,
                outcome,
                "" if body is None else json.dumps(body),
                error.code if error else "",
                (error.request_id or "") if error else "",
            )
        )

    # --- Errors -------------------------------------------------------------------------------------------

    def fail_on_own_bug(self, job: Job, error: Exception) -> None:
        """The job stops, with its trace in the log; nothing was sent. Call it where the error is handled."""
        logger.exception("job %s could not be composed", job.pk)
        decision = Decision(Action.FAIL, reason=Reason.INTERNAL_ERROR, error_code=type(error).__name__)
        self.stopped.append((job, decision, None))

    def note_call(self, error: Exception | None) -> None:
        """A call as a whole was answered, or failed with this error."""
        if error is None:
            self.is_answered = True
        elif isinstance(error, Transient | RecordGone):
            self.has_failed = self.stops = True
        elif isinstance(error, SalesforceError) and not isinstance(error, LimitReached):
            self.is_answered = True

    def settle_sent(
        self, job: Job, error: Exception, related: Related | None, *, is_update: bool, whole_call: bool
    ) -> Decision:
        """After the record was handed over: what the error makes of the row."""
        decision = decide(error, self._tried(job, is_update, whole_call), random.random(), _first_look_up())  # noqa: S311
        self._apply(job, decision, related, was_sent=True)
        self.lacks_access |= isinstance(error, NoAccess)
        known = error if isinstance(error, SalesforceError) else None
        self.answer(job, _OUTCOMES[decision.action], error=known)
        if known is None:
            self.answers[-1] = Answered(job.pk, job.claimed.attempt, Outcome.UNKNOWN, "", decision.error_code)
        return decision

    def settle_unsent(self, jobs: Iterable[Job], error: Exception, *, whole_call: bool = True) -> None:
        """Something failed before the records were handed over."""
        if whole_call:
            self.note_call(error)
        for job in jobs:
            decision = decide_unsent(error, self._tried(job, False, whole_call), random.random())  # noqa: S311
            self._apply(job, decision, None, was_sent=False)

    def _tried(self, job: Job, is_update: bool, whole_call: bool) -> Tried:
        return Tried(
            now=self.now,
            retries=job.claimed.retries,
            matched_again=job.claimed.matched_again,
            described_again=job.claimed.described_again,
            is_update=is_update,
            whole_call=whole_call,
        )

    def _apply(self, job: Job, decision: Decision, related: Related | None, *, was_sent: bool) -> None:
        retries = job.claimed.retries + decision.counts
        due_at = decision.due_at or self.now
        code = decision.error_code
        match decision.action:
            case Action.LOOK_UP:
                self.postpone(
                    job,
                    due_at,
                    state=SyncState.UNKNOWN,
                    unknown_since=self.now,
                    error_code=code,
                    frozen=True,
                )
            case Action.RETRY:
                self.postpone(job, due_at, retries=retries, error_code=code, frozen=was_sent or job.claimed.frozen)
            case Action.HOLD:
                self._hold(job, decision, retries)
            case Action.MATCH_AGAIN:
                self.postpone(job, due_at, matched_again=True, error_code=code, frozen=False)
            case Action.DESCRIBE_AGAIN:
                self.postpone(job, due_at, described_again=True, error_code=code, frozen=False)
            case Action.SKIP:
                self._touch(job)
                self.finished.append(
                    Finished(job.pk, job.claimed.attempt, SyncState.SKIPPED, decision.reason or "", "", code)
                )
            case _:
                self._touch(job)
                self.stopped.append((job, decision, related))

    def _hold(self, job: Job, decision: Decision, retries: int) -> None:
        self.stops = True
        self.postpone(
            job,
            self.now + HELD_AT_LEAST,
            state=SyncState.HELD,
            reason=decision.reason or "",
            detail=decision.detail,
            error_code=decision.error_code,
            retries=retries,
        )

    def _touch(self, job: Job) -> None:
        if job.message_id is not None:
            self.messages.add(job.message_id)

    # --- Writing ------------------------------------------------------------------------------------------

    @transaction.atomic
    def write(self) -> set[int]:
        """Write everything; returns the jobs that reached a final state. Call it once."""
        parking.settle_stopped(self)
        done = results.finish(self.finished, self.now)
        results.postpone(self.postponed, self.now)
        results.record_answers(self.answers, self.now)
        results.log_records(
            [each for each in self.records if each.job_id in done], self.connection.org.org_id, self.now
        )
        for record, digest in self.changed_records.items():
            LoggedRecord.objects.filter(pk=record).update(digest=digest)
        results.write_traces(self.traces)
        drop_bodies(self.messages)
        parking.free_groups(self)
        return done

    def fail(self, job: Job, decision: Decision, related: Related | None) -> None:
        """The job stops: a person acts."""
        self.finished.append(
            Finished(
                job.pk,
                job.claimed.attempt,
                SyncState.FAILED,
                decision.reason or Reason.INTERNAL_ERROR,
                decision.detail,
                decision.error_code,
                related=related,
            )
        )


_OUTCOMES = {
    Action.LOOK_UP: Outcome.UNKNOWN,
    Action.RETRY: Outcome.RETRY,
    Action.HOLD: Outcome.HELD,
    Action.MATCH_AGAIN: Outcome.RETRY,
    Action.DESCRIBE_AGAIN: Outcome.RETRY,
    Action.PARK: Outcome.REJECTED,
    Action.FAIL: Outcome.REJECTED,
    Action.SKIP: Outcome.REMOVED,
}


def _first_look_up() -> timedelta:
    return timedelta(seconds=settings.SYNC_LOOKUP_DELAYS[0])


_DROP_BODIES = """
UPDATE activity_message m SET text = '', text_was_cut = false
WHERE m.id = ANY(%(ids)s::bigint[]) AND m.text <> '' AND NOT EXISTS (
    SELECT 1 FROM activity_activity a JOIN activity_syncjob j ON j.activity_id = a.id
    WHERE a.message_id = m.id AND j.state = ANY(%(needed)s::text[])
)
"""


def drop_bodies(messages: Collection[int]) -> None:
    """Keep no text of a message of which nothing is to be logged any more (a failed one can be retried)."""
    if not messages:
        return
    needed = (SyncState.WAITING, SyncState.HELD, SyncState.UNKNOWN, SyncState.FAILED)
    run(_DROP_BODIES, {"ids": as_array(messages), "needed": as_array(state.value for state in needed)})
