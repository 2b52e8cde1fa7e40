"""What every test may use."""

import time
from collections.abc import Iterator

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.db import connection

pytest_plugins = [
    "tests.leak_net",
    "tests.figures",
    "tests.stand_in_fixtures",
    "tests.people",
    "tests.mailbox_fixtures",
    "tests.calendar_fixtures",
]

# How long an example takes says how busy the machine is, and nothing of what is tested.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

LONGEST = ("tests/browser/", "tests/config/", "tests/test_fault_sample.py", "tests/test_permissions.py")
SESSIONS = "SELECT state, query FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that workers that share the suite end at about the same time."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The tests' database. It is dropped when its sessions have ended, for which a busy server needs a while."""
    yield
    connection.close()
    deadline = time.monotonic() + 30
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as observer:
        while left := observer.execute(SESSIONS, [connection.settings_dict["NAME"]]).fetchall():
            assert time.monotonic() < deadline, f"a test has left sessions open: {left}"
            time.sleep(0.1)
