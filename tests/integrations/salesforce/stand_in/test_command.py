"""`manage.py salesforce_stand_in`."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[4]
NO_DATABASE = "postgres://nobody@127.0.0.1:1/none"


def find_free_ports(number: int) -> int:
    """Return the first of so many free ports in a row."""
    for first in range(20_000 + os.getpid() % 10_000, 60_000, number):
        with socket.socket() as probe:
            if all(probe.connect_ex(("127.0.0.1", first + step)) for step in range(number)):
                return first
    raise AssertionError("no free ports")


def test_it_runs_without_database_and_says_where(tmp_path: Path) -> None:
    first = find_free_ports(5)
    command = [sys.executable, "manage.py", "salesforce_stand_in", f"--data-dir={tmp_path / 'deep' / 'er'}"]
    command += [f"--http-port={first}", f"--https-port={first + 2}"]
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": NO_DATABASE}
    environment = {**os.environ, **settings}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(7)]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0

    hosts = [f"127.0.0.1:{first}", f"127.0.0.1:{first + 1}", *(f"localhost:{first + step}" for step in (2, 3, 4))]
    assert [line.strip() for line in lines] == [
        "Salesforce is played here.",
        f"look at it  http://127.0.0.1:{first}/",
        "SALESFORCE_CLIENT_ID=touchline-test-client",
        f"SALESFORCE_LOGIN_URL=http://127.0.0.1:{first}",
        f"SALESFORCE_SANDBOX_LOGIN_URL=http://127.0.0.1:{first + 1}",
        f"SALESFORCE_EXTRA_HOSTS={','.join(hosts)}",
        f"SALESFORCE_CA_BUNDLE={tmp_path}/deep/er/stand-in-ca.pem",
    ]


def test_a_taken_port_gives_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError) as caught:
            call_command("salesforce_stand_in", data_dir=tmp_path, http_port=port)

    assert str(caught.value) == f"The stand-in cannot start: port {port}: Address already in use."
