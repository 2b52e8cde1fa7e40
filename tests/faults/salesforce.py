"""Salesforce in a process of its own: one small org for each slot, and gates at which a call can be held."""

import multiprocessing
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from integrations.salesforce.stand_in.faults import Fault
from integrations.salesforce.stand_in.listener import DropConnection, Listener
from integrations.salesforce.stand_in.messages import Request, Response
from integrations.salesforce.stand_in.org import Org
from tests.faults.durations import LATEST_COMMIT
from tests.stand_in_fixtures import TestedStandIn

APP = {"client_id": "touchline-faults-client", "client_secret": "canary-client-secret"}
HELD_AT_MOST = LATEST_COMMIT - 0.5  # then Salesforce works on, as it may for ten minutes
WRITES, QUERIES, TOKEN = r"/composite/sobjects$", r"/composite$|/composite/?$|/queryAll", r"/oauth2/token$"


@dataclass
class Gate:
    """Holds the next matching call of a user, before or after its work is done, until it is let through."""

    user: str
    path: str
    after: bool
    arrived: bool = False
    taken: bool = False
    drop: bool = False
    open: threading.Event = field(default_factory=threading.Event)


class GatedStandIn(TestedStandIn):
    """The stand-in with gates."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.gates: list[Gate] = []
        super().__init__(*args, **kwargs)

    def _answer_with_faults(self, request: Request, listener: Listener) -> tuple[Response, str]:
        gate = self._take_gate(request)
        if gate is None:
            return super()._answer_with_faults(request, listener)
        if not gate.after:
            self._wait(gate)
        answer = super()._answer_with_faults(request, listener)
        if gate.after:
            self._wait(gate)
        return answer

    def _wait(self, gate: Gate) -> None:
        gate.arrived = True
        gate.open.wait(HELD_AT_MOST)
        if gate.drop:
            raise DropConnection

    def _take_gate(self, request: Request) -> Gate | None:
        if not self.gates:
            return None
        user = self.caller_of(request)
        with self.lock:
            for gate in self.gates:
                if not gate.taken and gate.user == user and re.search(gate.path, request.path):
                    gate.taken = True
                    return gate
        return None

    def caller_of(self, request: Request) -> str | None:
        """As in the stand-in; at the token endpoint the user whose refresh token is shown."""
        if request.path.endswith("/token") and request.method == "POST":
            grant = self.oauth.by_refresh.get(request.form().get("refresh_token", ""))
            return grant.org.row(grant.user_id).get("Email") if grant else None
        return super().caller_of(request)


def make_slot_org(number: int) -> Org:
    """An org with a Sync User, a member and a contact; every third hides CallObject, which leaves the marker line."""
    org = Org(f"Slot {number}", instance=f"{number:02d}")
    org.add_user(sync_user(number), "Sync", "User", is_admin=True)
    org.add_user(member(number), "Ben", f"Slot {number}", time_zone="America/New_York")
    account = org.add("Account", Name="Northwind")
    org.add("Contact", FirstName="Nora", LastName="West", Email=contact(number), AccountId=account)
    if hides_call_object(number):
        org.hide_field("Task", "CallObject")
    return org


def hides_call_object(number: int) -> bool:
    return number % 3 == 2


def sync_user(number: int) -> str:
    return f"sync@slot{number}.example"


def member(number: int) -> str:
    return f"ben@slot{number}.example"


def contact(number: int) -> str:
    return f"nora@customer{number}.example"


class Commands:
    """What the harness asks for over the line."""

    def __init__(self, server: GatedStandIn) -> None:
        self.server = server
        self.connect_gates: dict[int, tuple[threading.Event, threading.Event]] = {}

    def add_fault(self, **values: Any) -> int:
        return self.server.faults.add(Fault(**values)).number

    def clear_faults(self) -> None:
        self.server.faults.clear()

    def faults_met(self) -> list[str]:
        """Users whose faults were met, in order."""
        return [fault.user or "" for fault in self.server.faults.taken]

    def hold(self, user: str, path: str, after: bool) -> None:
        """Hold the user's next call to the path."""
        self.server.gates.append(Gate(user, path, after))

    def held(self) -> list[str]:
        """Users whose call stands at a gate."""
        return [gate.user for gate in self.server.gates if gate.arrived and not gate.open.is_set()]

    def release(self, user: str | None = None, drop: bool = False) -> None:
        """Open the gates of a user, or all; with `drop` the connection breaks there."""
        for gate in self.server.gates:
            if user in (None, gate.user):
                gate.drop = drop
                gate.open.set()
        self.server.gates = [gate for gate in self.server.gates if not gate.open.is_set()]

    def hold_connects(self, slot: int) -> None:
        """Hold the next connection to a slot's host before its TLS handshake."""
        server = self.server.instances[slot].server
        arrived, opened = self.connect_gates[slot] = (threading.Event(), threading.Event())
        ordinary = type(server).finish_request

        def finish_request(request: Any, address: Any) -> None:
            arrived.set()
            opened.wait(HELD_AT_MOST)
            ordinary(server, request, address)

        server.finish_request = finish_request

    def connects_held(self) -> list[int]:
        """Slots to whose host somebody waits to be connected."""
        return [slot for slot, (arrived, opened) in self.connect_gates.items() if arrived.is_set()]

    def release_connects(self) -> None:
        """Let them all through."""
        for slot, (_, opened) in self.connect_gates.items():
            opened.set()
            del self.server.instances[slot].server.finish_request
        self.connect_gates.clear()

    def expire_tokens(self, user: str) -> None:
        """Let the user's access tokens run out."""
        with self.server.lock:
            for grant in self.server.oauth.grants:
                if grant.org.row(grant.user_id)["Email"] == user:
                    for token in grant.access_tokens:
                        self.server.oauth.by_access.pop(token, None)
                    grant.access_tokens.clear()

    def make_contacts(self, slot: int, addresses: list[str]) -> None:
        """One Contact for each address."""
        org = self.server.orgs[slot]
        with org.lock:
            for number, address in enumerate(addresses):
                org.add("Contact", LastName=f"Person {number}", Email=address)

    def subjects(self, slot: int) -> list[tuple[str, bool]]:
        """Subject of every Task and Event ever made in a slot's org, and whether it was deleted."""
        org = self.server.orgs[slot]
        with org.lock:
            rows = [*org.rows("Task", deleted=True), *org.rows("Event", deleted=True)]
            return [(row["Subject"], bool(row.get("IsDeleted"))) for row in rows]

    def keys_twice(self, slot: int) -> int:
        """How many live Tasks carry the key of another one."""
        org = self.server.orgs[slot]
        with org.lock:
            keys = [row["CallObject"] for row in org.rows("Task") if row.get("CallObject")]
        return len(keys) - len(set(keys))

    def calls(self) -> int:
        """Counted API calls of all orgs."""
        return sum(sum(org.usage.calls.values()) for org in self.server.orgs)


class Salesforce:
    """A line to the process, and the addresses of its hosts."""

    log_in = TestedStandIn.log_in

    def __init__(self, line: Connection) -> None:
        self._line = line
        self.login_url, self.ca_bundle, self.extra_hosts = line.recv()
        self.client_id, self.client_secret = APP["client_id"], APP["client_secret"]

    def ask(self, command: str, *arguments: Any, **named: Any) -> Any:
        """Let the other process do something and return what it says."""
        self._line.send((command, arguments, named))
        ok, answer = self._line.recv()
        if not ok:
            raise RuntimeError(f"{command}: {answer}")
        return answer


def serve(line: Connection, folder: str, slots: int) -> None:
    """The other process: start, say where, obey until the line is closed."""
    orgs = [make_slot_org(number) for number in range(slots)]
    with GatedStandIn(*orgs, certificate_dir=Path(folder), **APP) as server:
        line.send((server.login_url, server.ca_bundle, server.extra_hosts))
        commands = Commands(server)
        while True:
            try:
                command, arguments, named = line.recv()
            except EOFError:
                return
            try:
                line.send((True, getattr(commands, command)(*arguments, **named)))
            except Exception as error:
                line.send((False, f"{type(error).__name__}: {error}"))


@contextmanager
def salesforce(slots: int) -> Iterator[Salesforce]:
    """Run it for the length of the block."""
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, folder, slots), daemon=True)
        process.start()
        there.close()
        try:
            yield Salesforce(here)
        finally:
            here.close()
            process.join(5)
            if process.is_alive():
                process.kill()
