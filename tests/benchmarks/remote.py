"""The stand-in in a process of its own, so that its work is not counted as ours."""

import multiprocessing
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from integrations.salesforce.stand_in import make_orgs
from integrations.salesforce.stand_in.faults import Fault
from tests.stand_in_fixtures import TestedStandIn

APP = {"client_id": "touchline-test-client", "client_secret": "canary-client-secret"}  # as in tests/settings.py


class RemoteStandIn:
    """Addresses of the stand-in and a line to it. `ask` runs a method of `Commands` over there."""

    log_in = TestedStandIn.log_in
    connect = TestedStandIn.connect

    def __init__(self, line: Connection, pid: int) -> None:
        self._line, self.pid = line, pid
        self.settings: dict[str, str] = line.recv()
        self.login_url = self.settings["SALESFORCE_LOGIN_URL"]
        self.ca_bundle = self.settings["SALESFORCE_CA_BUNDLE"]
        self.client_id, self.client_secret = APP["client_id"], APP["client_secret"]
        self.extra_hosts = self.settings["SALESFORCE_EXTRA_HOSTS"].split(",")

    def ask(self, command: str, **arguments: Any) -> Any:
        """Let the other process do something and return what it says."""
        self._line.send((command, arguments))
        return self._line.recv()


class Commands:
    """What the measuring process asks for. `org` is a position, 0 being the main one."""

    def __init__(self, server: TestedStandIn) -> None:
        self.server = server

    def make_contacts(self, addresses: list[str], per_account: int = 5, org: int = 0) -> None:
        """One Contact for each address, so many to an Account."""
        place = self.server.orgs[org]
        account = ""
        for number, address in enumerate(addresses):
            if number % per_account == 0:
                account = place.add("Account", Name=f"Company {number}")
            place.add("Contact", LastName=f"Person {number}", Email=address, AccountId=account)

    def contacts(self, org: int = 0) -> dict[str, str]:
        """The ids of the Contacts, by address."""
        return {row["Email"]: row["Id"] for row in self.server.orgs[org].rows("Contact") if row.get("Email")}

    def make_user(self, email: str, org: int = 0) -> None:
        """A Salesforce user who sells."""
        self.server.orgs[org].add_user(email, "Sales", email.partition("@")[0])

    def calls(self) -> dict[str, int]:
        """Counted API calls so far, by kind, of all orgs."""
        counted: Counter[str] = Counter()
        for org in self.server.orgs:
            counted.update(org.usage.calls)
        return dict(counted)

    def tasks(self) -> int:
        """How many Tasks stand in the orgs."""
        return sum(len(org.rows("Task")) for org in self.server.orgs)

    def forget_tasks(self) -> None:
        """Begin anew, so that memory does not grow with the runs."""
        for org in self.server.orgs:
            with org.lock:
                org.tables["Task"] = type(org.tables["Task"])("Task")

    def delay(self, seconds: float) -> None:
        """Answer each data call so much later (as a network and a busy org do)."""
        self.server.faults.clear()
        if seconds:
            self.server.faults.add(Fault("delay", path="/services/data", seconds=seconds, times=10_000_000))


def serve(line: Connection, folder: str) -> None:
    """The other process: start, say where, obey until the line is closed."""
    with TestedStandIn(*make_orgs(), certificate_dir=Path(folder), **APP) as server:
        for org in server.orgs:
            org.usage.maximum = 100_000_000
        line.send(server.settings())
        commands = Commands(server)
        while True:
            try:
                command, arguments = line.recv()
            except EOFError:
                return
            line.send(getattr(commands, command)(**arguments))


@contextmanager
def remote_stand_in() -> Iterator[RemoteStandIn]:
    """Run it for the length of the block."""
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, folder), daemon=True)
        process.start()
        there.close()
        try:
            yield RemoteStandIn(here, process.pid or 0)
        finally:
            here.close()
            process.join(5)
            if process.is_alive():
                process.kill()
