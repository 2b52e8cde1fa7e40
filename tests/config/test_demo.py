"""The demo's children and ports, with real processes: whatever ends the demo, nobody is left behind."""

import os
import random
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.demo.environment import DemoImpossible, Ports, choose_ports, is_taken, read_keys
from config.queue_watchdog.beats import is_alive
from tests.config.waiting import wait_until
from tests.processes import ROOT

# A service that ignores the polite signal and has a child in a session of its own, and one that ends by itself.
DEMO = """
import sys
from config.demo.crew import Crew, StopAsked
from config.demo.environment import DemoImpossible

STUBBORN = '''
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
with open(sys.argv[1], "a") as born:
    born.write(f"{os.getpid()}\\\\n")
time.sleep(600)
'''
SHORT = "import time; print('one'); print('two', flush=True); time.sleep(%s); raise SystemExit(7)"

crew = Crew(stop_limit=0.5)
crew.adopt_orphans()
try:
    crew.start_service("stubborn", "-c", STUBBORN, sys.argv[1])
    short = crew.start_service("short", "-c", SHORT % sys.argv[2])
    said = crew.run_job("job", "-c", "print('a'); print('b')")
    crew.wait_until(lambda: len(short.lines) == 2, "two lines")
    print("the job said", said)
    crew.wait_until(lambda: False, "the end")
except StopAsked:
    print("stopping")
except DemoImpossible as error:
    print(error)
finally:
    crew.stop()
"""


def hear_hang_ups() -> None:
    """In a child: SIGHUP does what it does by itself, although the tests may have been started under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Demo:
    """A running demo of two services."""

    def __init__(self, folder: Path, life_of_short: float) -> None:
        self.born = folder / "born"
        (folder / "demo.py").write_text(DEMO)
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "demo.py"), str(self.born), str(life_of_short)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=hear_hang_ups,
        )
        self.shown: list[str] = []

    def read_until(self, line: str) -> None:
        """Read what it shows up to a line."""
        assert self.process.stdout is not None
        while line not in self.shown:
            self.shown.append(self.process.stdout.readline().rstrip("\n"))
            assert self.shown[-1] or self.process.poll() is None, self.shown

    def members(self) -> list[int]:
        """The stubborn service and its child."""
        wait_until(lambda: self.born.exists() and self.born.read_text().count("\n") == 2)
        return [int(line) for line in self.born.read_text().split()]

    def end(self) -> str:
        """Wait for its end and return the rest of what it showed."""
        return self.process.communicate(timeout=20)[0]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[[float], Demo]]:
    started: list[Demo] = []

    def start(life_of_short: float = 600) -> Demo:
        started.append(Demo(tmp_path, life_of_short))
        return started[-1]

    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.communicate()
        for process in filter(is_alive, demo.members()):
            os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_everything(start_demo, number):
    demo = start_demo()
    demo.read_until("the job said ['a', 'b']")
    members = demo.members()
    demo.process.send_signal(number)
    assert demo.end() == "stopping\n"
    assert [process for process in members if is_alive(process)] == []


def test_lines_are_shown_with_the_name_of_who_wrote_them(start_demo):
    demo = start_demo()
    demo.read_until("the job said ['a', 'b']")
    assert sorted(demo.shown) == ["short    | one", "short    | two", "the job said ['a', 'b']"]


def test_end_of_a_service_ends_everything_and_says_why(start_demo):
    demo = start_demo(life_of_short=1)
    members = demo.members()
    assert demo.end().endswith(
        "The short process ended (code 7), so everything stops. Its last lines:\n    one\n    two\n"
    )
    assert [process for process in members if is_alive(process)] == []


def test_terminal_that_is_gone_ends_everything(start_demo):
    demo = start_demo()
    demo.read_until("the job said ['a', 'b']")
    members = demo.members()
    assert demo.process.stdout is not None
    demo.process.stdout.close()
    demo.process.wait(20)
    assert [process for process in members if is_alive(process)] == []


def find_free_ports(length: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        first = random.randrange(20_000, 30_000)  # below those that the system gives away by itself
        if not any(is_taken(port) for port in range(first, first + length)):
            return first


def test_ports_are_those_of_the_environment(monkeypatch):
    web, stand_in, tls = find_free_ports(1), find_free_ports(2), find_free_ports(3)
    monkeypatch.setenv("PORT", str(web))
    monkeypatch.setenv("STAND_IN_PORT", str(stand_in))
    monkeypatch.setenv("STAND_IN_TLS_PORT", str(tls))
    assert choose_ports() == Ports(web, stand_in, tls)


def test_taken_port_is_named_with_the_way_out(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        expected = f"Port {port} is taken by another program: choose another, e.g. make demo PORT={port + 1000}"
        with pytest.raises(DemoImpossible, match=f"^{re.escape(expected)}$"):
            choose_ports()


@pytest.mark.parametrize("said", ["0", "65001", "80a", "-1", "٨٠"])
def test_what_is_no_port_is_refused(monkeypatch, said):
    monkeypatch.setenv("PORT", said)
    expected = f"PORT must be a port from 1 to 65000, not {said!r}."
    with pytest.raises(DemoImpossible, match=f"^{re.escape(expected)}$"):
        choose_ports()


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path):
    keys = read_keys(tmp_path / "demo.env")
    assert list(keys) == [
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "SALESFORCE_CLIENT_ID",
        "SALESFORCE_CLIENT_SECRET",
    ]
    assert stat.S_IMODE((tmp_path / "demo.env").stat().st_mode) == 0o600
    assert read_keys(tmp_path / "demo.env") == keys
