"""Where the machine plays: an example's transaction, clock, connection, and workers with a Salesforce in memory.

An example is one transaction that is rolled back, and what cannot change within an example (describes, the people) is
read once: thousands of examples are wanted.
"""

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from hypothesis.stateful import RuleBasedStateMachine

from activity.models import DueJob, SyncJob
from activity.pipeline import log_to_salesforce, turn
from activity.pipeline.sender import Sender
from activity.pipeline.standing import standings_of
from integrations import connections, losses, tokens
from integrations.models import Connection, ConnectionState
from integrations.secrets import Secret
from tests.activity.pipeline.memory_salesforce import Crash, MemorySalesforce
from tests.activity.stories import report
from workspaces.ids import uuid7

SPIN_LIMIT = 4.0
"""Seconds of real time in which a drain must come to its end, for its clock stands still."""


class World(RuleBasedStateMachine):
    """What happens in it is in machine.py, what must hold in machine_checks.py."""

    connection_id: int

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False)
        self.time = self.clock.start()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.connection = log_to_salesforce._load(self.connection_id)
        self.workspace, self.owner = self.connection.workspace, self.connection.membership
        self.sender: Sender | None = None
        self.salesforce = MemorySalesforce(self.connection.salesforce_user.user_id)
        self.salesforce.know(SyncJob.objects.values_list("key", "salesforce_id"))
        self.overtaken_keys: set[str] = set()
        self._read_standing()
        described = Sender(self.connection, self.standing.org, self.owner)
        self.described = {name: getattr(described, name) for name in ("task_schema", "event_schema")}

    def _end_example(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)
        self.clock.stop()

    def _report(self, items: list[Any]) -> None:
        results = report(self.workspace, *items)
        assert [each.status for each in results] == ["accepted"] * len(items)

    # --- The connection -------------------------------------------------------------------------------------

    def _read_standing(self) -> None:
        self.standing = standings_of(self.workspace, [self.owner])[self.owner.pk]

    def _is_connected(self) -> bool:
        return Connection.objects.filter(pk=self.connection.pk, state=ConnectionState.CONNECTED).exists()

    def _is_live(self) -> bool:
        return Connection.objects.live().filter(pk=self.connection.pk).exists()

    def _disconnect(self) -> None:
        connections.disconnect(self.connection, None)

    def _connect_again(self) -> None:
        """As the same Salesforce user; what integrations.grants does, without the trip to Salesforce."""
        again = Connection.objects.with_secrets().get(pk=self.connection.pk)
        again.pk, again._state.adding, again.uuid = None, True, uuid7()
        again.state, again.disconnected_at, again.connected_at = ConnectionState.CONNECTED, None, timezone.now()
        tokens.fill(again, Secret("access"), Secret("refresh"))
        again.save()
        losses.tell_restored(again)
        self.connection = log_to_salesforce._load(again.pk)
        self._read_standing()
        self._renew_sender()

    def _renew_sender(self) -> None:
        """Settings and connection are read anew; what was described stays."""
        self.sender = None

    def _make_sender(self, sender: Sender) -> Sender:
        sender.__dict__.update(self.described, client=self.salesforce)
        return sender

    # --- Workers --------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """A wake-up; whoever dies gives nothing back."""
        with suppress(Crash):
            self._drain()
        # A death in a single statement, which is a transaction of its own elsewhere, is none of the example's.
        transaction.set_rollback(False)

    def _drain(self) -> None:
        """As log_to_salesforce.drain does, with the memory for a client."""
        drain, connection = log_to_salesforce, self.connection
        if not self._is_connected():
            return
        holder = uuid.uuid4()
        if not drain._take_turn(connection, holder):
            return
        worker = drain._Drain(connection, self.standing, holder)
        worker.sender = self.sender = self.sender or self._make_sender(worker.sender)
        began = time.perf_counter()
        worker.run()
        assert time.perf_counter() - began < SPIN_LIMIT, "a worker goes round and round"
        turn.give_back(connection.pk, holder)

    def _others_work(self) -> None:
        self.time.shift(settings.SYNC_LEASE + 1)
        self.salesforce.commit_late_work()
        for _ in range(2):
            self._work()
            self.time.shift(60)

    def _others_work_meanwhile(self) -> None:
        """The open hole: who is frozen between the last check and the call writes a second record."""
        sending = DueJob.objects.filter(sent_at__isnull=False).values_list("job__key", flat=True)
        self.overtaken_keys |= set(sending)
        self._others_work()
        self.time.shift(max(settings.SYNC_LOOKUP_DELAYS))
        self._work()


class Death:
    """Lets the process die at the n-th statement from now, before the database does it or after."""

    def __init__(self, statement: int, *, is_after: bool) -> None:
        self.left, self.is_after = statement, is_after

    def __call__(self, execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.is_after:
            raise Crash
        result = execute(sql, *arguments)
        if self.left == 0:
            raise Crash
        return result
