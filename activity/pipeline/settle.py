"""Turn decisions into rows: final states, postponements, attempts' answers, records of ours, error groups."""

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from activity.models import DueJob, ErrorGroup, LoggedRecord, Message, Outcome, Reason, SyncJob, SyncState
from activity.pipeline import results
from activity.pipeline.claims import make_due
from activity.pipeline.jobs import Job
from activity.pipeline.outcome import Action, Decision, Tried, decide, decide_unsent
from activity.pipeline.results import Answered, Finished, Logged, Postponed, Related
from integrations.models import Connection
from integrations.salesforce.errors import LimitReached, NoAccess, RecordGone, SalesforceError, Transient

FAILURES_BEFORE_PARKING = 3
CANARY_EVERY = timedelta(hours=1)
GROUP_FORGETS_AFTER = timedelta(hours=24)
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
        self._settle_stopped()
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
        self._free_groups()
        return done

    def _settle_stopped(self) -> None:
        """Failed, or parked with others that fail for the same cause."""
        by_cause: dict[tuple[str, str], list[tuple[Job, Decision, Related | None]]] = defaultdict(list)
        for job, decision, related in self.stopped:
            cause = fingerprint(decision.error_code, decision.detail)
            if decision.reason == Reason.INTERNAL_ERROR:
                self._fail(job, decision, related)
            else:
                by_cause[job.object_type.value, cause].append((job, decision, related))
        for (object_type, cause), rows in by_cause.items():
            self._settle_cause(object_type, cause, rows)

    def _settle_cause(
        self, object_type: str, cause: str, rows: Sequence[tuple[Job, Decision, Related | None]]
    ) -> None:
        decision = rows[0][1]
        group, _ = ErrorGroup.objects.select_for_update().get_or_create(
            connection=self.connection,
            object_type=object_type,
            fingerprint=cause,
            defaults={
                "workspace_id": self.connection.workspace_id,
                "error_code": decision.error_code[:80],
                "detail": decision.detail[:500],
            },
        )
        if group.next_canary_at is None and group.last_failed_at < self.now - GROUP_FORGETS_AFTER:
            group.failures = 0
        may_fail = 0 if decision.action == Action.PARK else max(0, FAILURES_BEFORE_PARKING - group.failures)
        for job, each, related in rows[:may_fail]:
            self._fail(job, each, related)
        for job, each, _ in rows[may_fail:]:
            self._park(job, each, group.pk)
        group.failures += len(rows)
        group.last_failed_at = self.now
        if len(rows) > may_fail:
            group.next_canary_at = group.next_canary_at or self.now + CANARY_EVERY
            group.is_total = not any(job.object_type.value == object_type for job in self.successes)
        group.save()

    def _fail(self, job: Job, decision: Decision, related: Related | None) -> None:
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

    def _park(self, job: Job, decision: Decision, group: int) -> None:
        self.postpone(
            job,
            self.now,
            state=SyncState.HELD,
            reason=Reason.SAME_ERROR,
            detail=decision.detail,
            error_code=decision.error_code,
            parked_id=group,
            frozen=False,
        )

    def _free_groups(self) -> None:
        """Something got through: nothing is total any more, and where it was a canary all its companions follow."""
        if not self.successes:
            return
        types = {job.object_type.value for job in self.successes}
        done = {job.pk for job in self.successes}
        groups = ErrorGroup.objects.filter(connection=self.connection, object_type__in=types)
        for group in groups:
            if group.canary_job_id in done:
                release_group(group, self.now)
            elif group.is_total:
                groups.filter(pk=group.pk).update(is_total=False)


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


_VALUES = re.compile(r"[0-9A-Za-z]{15,18}\b|\d+|\"[^\"]*\"|'[^']*'|“[^”]*”")


def fingerprint(code: str, message: str) -> str:
    """The same for two errors with one cause: code and message without ids, numbers and quoted values."""
    return hashlib.sha256(f"{code}\n{_VALUES.sub('*', message)}".encode()).hexdigest()


def release_group(group: ErrorGroup, now: datetime) -> int:
    """The cause is gone: what is parked goes, and so does what failed for it before. Returns how many go."""
    parked = list(DueJob.objects.filter(parked=group).values_list("job", flat=True))
    failed = SyncJob.objects.filter(
        workspace=group.workspace_id,
        state=SyncState.FAILED,
        reason=Reason.REJECTED,
        error_code=group.error_code,
        object_type=group.object_type,
        owner__connections=group.connection_id,
    )
    same = [
        pk
        for pk, code, detail in failed.values_list("pk", "error_code", "reason_detail")
        if fingerprint(code, detail) == group.fingerprint
    ]
    count = make_due([*parked, *same], group.connection_id, now)
    group.delete()
    return count


def drop_bodies(messages: Collection[int]) -> None:
    """Keep no text of a message of which nothing is to be logged any more (a failed one can be retried)."""
    if not messages:
        return
    needed = (SyncState.WAITING, SyncState.HELD, SyncState.UNKNOWN, SyncState.FAILED)
    Message.objects.filter(pk__any=messages).exclude(text="").exclude(activities__sync_jobs__state__in=needed).update(
        text="", text_was_cut=False
    )
