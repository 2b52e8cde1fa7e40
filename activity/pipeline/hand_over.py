"""Hand records that are ready to Salesforce: attempts are committed, calls made, and what came of each is settled.

The call is made outside any transaction. A worker that was away for half its lease does not send: another one may
think it dead.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone

from activity.models import LoggedRecord, Outcome
from activity.pipeline.claims import Sending, record_sending
from activity.pipeline.halving import Called, Send, call_in_halves
from activity.pipeline.outcome import Action
from activity.pipeline.results import Logged
from activity.pipeline.sender import Ready, Sender, digest_of
from activity.pipeline.settle import Settlement
from integrations.salesforce.client import RECORDS_IN_A_CALL, RowResult, SalesforceClient, may_travel_in_composite
from integrations.salesforce.errors import OutcomeUnknown, SalesforceError

logger = logging.getLogger(__name__)


@dataclass
class HandOver:
    """The records of one claim.

    `claimed_at`: when it was made (time.monotonic). `may_call` keeps our turn, or says that we lost it. `calls_made`:
    how many records each call held, how many seconds it took, and the errors of its records.
    """

    sender: Sender
    settlement: Settlement
    claimed_at: float
    may_call: Callable[[], bool]
    calls_made: list[tuple[int, float, list[Exception]]] = field(default_factory=list)

    def send_all(self, ready: Sequence[Ready]) -> None:
        """Creates first; what is stopped on the way is due again."""
        creates = [each for each in ready if each.operation == "create"]
        updates = [each for each in ready if each.operation == "update"]
        for rows, call in (
            (creates, SalesforceClient.create_many.__name__),
            (updates, SalesforceClient.update_many.__name__),
        ):
            for part in _in_calls(rows):
                if self.settlement.stops:
                    self._put_back(part)
                else:
                    self._send(part, call)

    def _send(self, rows: Sequence[Ready], call: str) -> None:
        """One call for rows of one operation."""
        try:
            send = getattr(self.sender.client, call)
        except SalesforceError as error:
            self.settlement.settle_unsent([each.job for each in rows], error)
            return
        if self._is_late() or not self.may_call():
            self.settlement.stops = True
            self._put_back(rows)
            return
        rows = self._write_attempts(rows)
        if self._is_late():  # the database kept us waiting over it
            self.settlement.stops = True
            self._take_back(rows)
        elif rows:
            self._call(rows, send)

    def _is_late(self) -> bool:
        """Whether so much of the lease is gone that another worker may soon take the rows."""
        return time.monotonic() - self.claimed_at > settings.SYNC_LEASE / 2

    def _put_back(self, rows: Sequence[Ready]) -> None:
        """Too late to send safely: the next claim does it."""
        for each in rows:
            self.settlement.postpone(each.job, timezone.now())

    def _take_back(self, rows: Sequence[Ready]) -> None:
        """Their attempts are on file, but nothing was written of them: the next claim sends them."""
        self._put_back(rows)
        for each in rows:
            self.settlement.answer(each.job, Outcome.RETRY)

    def _write_attempts(self, rows: Sequence[Ready]) -> list[Ready]:
        """Commit what is about to be sent, and why; whoever looks it up later needs both."""
        sending = [
            Sending(
                each.job.pk,
                each.job.claimed.attempt,
                each.operation,
                json.dumps(each.payload),
                json.dumps(trace) if (trace := self.settlement.traces.pop(each.job.pk, None)) else "",
            )
            for each in rows
        ]
        ours = record_sending(sending, self.sender.connection.pk, self.sender.salesforce_user_id, timezone.now())
        return [each for each in rows if each.job.pk in ours]

    def _call(self, rows: Sequence[Ready], send: Send) -> None:
        """Send them in one call, or in halves where it is refused for what one of them may be to blame for."""
        for called in call_in_halves(rows, send, self._may_go_on):
            if called.error is not None:
                self._settle_failure(called, called.error)
            elif called.results is not None:
                self._settle_results(called, called.results)
            else:
                self._take_back(called.rows)

    def _may_go_on(self) -> bool:
        return not self.settlement.stops and not self._is_late() and self.may_call()

    def _settle_failure(self, called: Called, error: Exception) -> None:
        if not isinstance(error, SalesforceError):
            logger.error("a call of connection %s failed after sending", self.sender.connection.pk, exc_info=error)
        self.settlement.now = called.sent_at or self.settlement.now
        self.settlement.note_call(error)
        self.calls_made.append((len(called.rows), called.seconds, [error] * len(called.rows)))
        for each in called.rows:
            self._settle(each, error, whole_call=True)

    def _settle_results(self, called: Called, results: Sequence[RowResult]) -> None:
        errors = [result.error for result in results if result.error]
        self.calls_made.append((len(called.rows), called.seconds, errors))
        self.settlement.now = timezone.now()
        self.settlement.note_call(None)
        for each, result in zip(called.rows, results, strict=True):
            if result.error is None and result.id:
                self._record(each, result.id)
            else:
                error = result.error or OutcomeUnknown("result_empty")
                self._settle(each, error, whole_call=result.of_part)

    def _record(self, each: Ready, salesforce_id: str) -> None:
        if each.logged:
            self.settlement.succeed_with_change(each.job, each.logged.pk, salesforce_id, digest_of(each.payload))
            return
        logged = Logged(
            each.job.pk,
            salesforce_id,
            self.sender.salesforce_user_id,
            digest_of(each.payload),
            "CallObject" in each.payload,
        )
        self.settlement.succeed(each.job, logged, each.related)

    def _settle(self, each: Ready, error: Exception, *, whole_call: bool) -> None:
        is_update = each.operation == "update"
        decision = self.settlement.settle_sent(
            each.job, error, each.related, is_update=is_update, whole_call=whole_call
        )
        if decision.action == Action.SKIP and each.logged:
            LoggedRecord.objects.filter(pk=each.logged.pk).update(removed_at=self.settlement.now)


def _in_calls(rows: Sequence[Ready]) -> Iterator[Sequence[Ready]]:
    """Rows of one claim, as they go together in a call: all of them but for those that a composite would garble."""
    if len(rows) <= RECORDS_IN_A_CALL:
        together, apart = rows, []
    else:
        together = [each for each in rows if may_travel_in_composite(each.payload)]
        apart = [each for each in rows if not may_travel_in_composite(each.payload)]
    if together:
        yield together
    yield from (apart[start : start + RECORDS_IN_A_CALL] for start in range(0, len(apart), RECORDS_IN_A_CALL))
