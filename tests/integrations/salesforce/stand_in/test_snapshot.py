"""What a restart keeps: records, people, switches, grants, tokens."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from integrations.salesforce.stand_in import StandIn, make_orgs
from integrations.salesforce.stand_in.snapshot import SnapshotKeeper, dump, load
from tests.integrations.salesforce.stand_in.caller import BEN, Caller
from tests.stand_in_fixtures import TestedStandIn


def copied(stand_in: TestedStandIn) -> dict:
    """What a restart reads, through a file's JSON."""
    return json.loads(json.dumps(dump(stand_in)))


def test_what_was_dumped_is_dumped_again(ada: Caller, tmp_path: Path) -> None:
    stand_in, org = ada.stand_in, ada.stand_in.org
    ada.create("Task", Subject="x", CallObject="k")
    org.add_field("Task", "Region__c", type="picklist", values=("N", "S"))
    org.add_validation_rule("Task", "No.", blank_field="Region__c")
    org.add_duplicate_rule("Lead", ["Email"], blocks=True)
    org.assign_leads(BEN)
    org.hide_field("Task", "Description", BEN)
    org.lock_row(org.rows("Account")[0]["Id"])
    org.set_task_statuses([("Offen", False, True), ("Zu", True, False)])
    org.merge(*(row["Id"] for row in org.rows("Contact")[:2]))
    org.set_clock_offset(60)
    org.deactivate_user(BEN)
    before = copied(stand_in)
    other = StandIn(*make_orgs(), certificate_dir=tmp_path)
    load(other, before)

    assert copied(other) == before
    assert other.org.closed_statuses == {"Zu"}
    assert other.org.changes > 0


def test_tokens_and_records_go_on(ada: Caller) -> None:
    stand_in = ada.stand_in
    task = ada.create("Task", Subject="x", CallObject="K")
    state = copied(stand_in)
    stand_in.reset(*make_orgs())
    assert ada.get("limits").status_code == 401
    load(stand_in, state)

    assert ada.rows("SELECT Id FROM Task WHERE CallObject = 'k' AND CreatedDate > 2020-01-01T00:00:00Z") == [
        {"Id": task}
    ]
    assert ada.create("Task") != task
    form = {"grant_type": "refresh_token", "refresh_token": ada.tokens["refresh_token"]}
    form |= {"client_id": stand_in.client_id, "client_secret": stand_in.client_secret}
    url = stand_in.login_url + "/services/oauth2/token"
    assert [requests.post(url, form, timeout=5).status_code for _ in range(2)] == [200, 400]


def test_the_file_is_written_when_something_happened(ada: Caller, tmp_path: Path) -> None:
    keeper = SnapshotKeeper(ada.stand_in, tmp_path / "state.json")
    assert keeper.load() is False
    keeper.write()
    first = keeper.path.stat().st_ino
    keeper.write()
    assert keeper.path.stat().st_ino == first
    ada.create("Task", Subject="kept")
    keeper.write()

    assert keeper.path.stat().st_ino != first
    assert oct(keeper.path.stat().st_mode & 0o777) == "0o600"
    assert "kept" in keeper.path.read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 0}', '{"version": 1}'])
def test_an_unreadable_file_is_put_aside(stand_in: TestedStandIn, tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)

    assert SnapshotKeeper(stand_in, path).load() is False
    assert not path.exists()
    assert path.with_suffix(".unreadable").read_text() == text


class Played:
    """The stand-in as a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "integrations.salesforce.stand_in", str(folder), "--client-id", "app"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        while not any("SALESFORCE_CA_BUNDLE" in line for line in self.lines):
            self.lines.append(self.process.stdout.readline())
            assert self.lines[-1], self.lines
        self.login_url = next(line for line in self.lines if "LOGIN_URL" in line).strip().partition("=")[2]

    def stop(self) -> list[str]:
        self.process.send_signal(signal.SIGTERM)
        lines = [*self.lines, *self.process.stdout.read().splitlines(keepends=True)]
        self.process.stdout.close()
        assert self.process.wait(timeout=10) == 0
        return lines

    def add_contact(self, name: str) -> None:
        body = {"name": "add", "args": {"object_name": "Contact", "LastName": name}}
        assert requests.post(f"{self.login_url}/stand-in/scenario", json=body, timeout=5).status_code == 200

    def contacts(self) -> list[str]:
        rows = requests.get(f"{self.login_url}/stand-in/records/Contact", timeout=5).json()
        return [row["LastName"] for row in rows]


def test_a_process_goes_on_where_it_was_stopped_or_killed(tmp_path: Path) -> None:
    first = Played(tmp_path)
    first.add_contact("Stopped")
    lines = first.stop()
    assert lines[0] == "Salesforce is played here.\n"
    assert [line.split()[1:4] for line in lines if "scenario" in line] == [["POST", "/stand-in/scenario", "200"]]
    assert not any("SECRET" in line for line in lines)

    second = Played(tmp_path)
    assert second.lines[0] == "Salesforce is played here, going on with the earlier data.\n"
    second.add_contact("Killed")
    state, until = tmp_path / "state.json", time.monotonic() + 5
    while "Killed" not in state.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(second.process.pid, signal.SIGKILL)
    second.process.wait(timeout=5)
    second.process.stdout.close()

    third = Played(tmp_path)
    assert third.contacts()[-2:] == ["Stopped", "Killed"]
    third.stop()
    assert oct((tmp_path / "client-secret").stat().st_mode & 0o777) == "0o600"
