"""What a production process refuses to start without."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

ROOT = Path(__file__).resolve().parents[2]


def ids() -> list[str]:
    return sorted(message.id for message in run_checks() if message.id.startswith("touchline."))


def test_the_suite_starts_clean() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"FIELD_ENCRYPTION_KEYS": ""}, ["touchline.E001"]),
        ({"FIELD_ENCRYPTION_KEYS": "a:short"}, ["touchline.E001"]),
        ({"SECRET_KEY": "x" * 60}, ["touchline.E002"]),
        ({"SECRET_KEY": "short"}, ["touchline.E002"]),
        (
            {"SALESFORCE_EXTRA_HOSTS": frozenset({"localhost:1"}), "SALESFORCE_ALLOW_EXTRA_HOSTS": False},
            ["touchline.E003"],
        ),
        ({"SALESFORCE_EXTRA_HOSTS": frozenset({"localhost:1"})}, []),
        ({"MAILBOX_GOOGLE_SIGN_IN_URL": "http://sign-in.example"}, ["touchline.E004"]),
        ({"MAILBOX_MICROSOFT_SIGN_IN_URL": "sign-in.example"}, ["touchline.E004"]),
        ({"MAILBOX_GOOGLE_SIGN_IN_URL": "https://sign-in.example"}, []),
        ({"MAILBOX_GOOGLE_SIGN_IN_URL": "http://sign-in.example", "DEBUG": True}, []),
        ({"SALESFORCE_CLIENT_SECRET": ""}, ["touchline.W001"]),
        ({"DEBUG": True, "FIELD_ENCRYPTION_KEYS": "", "SECRET_KEY": "dev", "SALESFORCE_CLIENT_ID": ""}, []),
    ],
)
def test_checks(settings: Settings, changes: dict[str, object], expected: list[str]) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)

    assert ids() == expected


def test_a_command_refuses_to_start_without_keys() -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "DEBUG": "0",
        "SECRET_KEY": "short",
        "DATABASE_URL": "postgres://localhost/x",
    }
    answer = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert "FIELD_ENCRYPTION_KEYS is not set" in answer.stderr
    assert "SECRET_KEY must be at least 50 random characters" in answer.stderr
