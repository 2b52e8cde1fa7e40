"""The settings of an installation under faults: those of a real one, with its own clock and short durations."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

# Salesforce works on a call for up to ten minutes after we gave up; here for LATEST_COMMIT seconds.
SCALED = {
    "SYNC_BATCH_WINDOW": "0.2",
    "SYNC_LEASE": "8",  # 600 s
    "SYNC_LOOKUP_DELAYS": "0,0.8,4,9.6",  # 0, 60, 300, 720 s
    "SYNC_DRAIN_LIMIT": "5",
}
LATEST_COMMIT = 8.0
QUEUE_TIMEOUT, QUEUE_RETRY = 20, 25

os.environ.update({name: os.environ.get(f"FAULTS_{name}", value) for name, value in SCALED.items()})
os.environ.setdefault("DEBUG", "1")
os.environ.setdefault("BASE_URL", "http://testserver")
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
os.environ.setdefault("EMAIL_URL", "dummy:")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from config.settings import *  # noqa: E402, F403

INSTALLED_APPS += ["tests.faults.scaled.ScaledConfig"]  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
Q_CLUSTER = Q_CLUSTER | {"timeout": QUEUE_TIMEOUT, "retry": QUEUE_RETRY, "poll": 0.1}  # noqa: F405
if os.environ.get("FAULTS_PLAIN_QUEUE"):
    # The control that trusts the queue: what was not acknowledged is delivered again, as django-q2 does by itself.
    Q_CLUSTER |= {
        "name": "plain",
        "timeout": 3,
        "retry": 5,
        "max_attempts": 0,
        "ack_failures": False,
        "broker_class": "django_q.brokers.orm.ORM",
    }

_CLOCK = Path(os.environ.get("FAULTS_CLOCK", "/nonexistent"))
_true_now = timezone.now


def _moved_now() -> datetime:
    """The machine's clock, off by what the harness wrote into the file."""
    try:
        return _true_now() + timedelta(seconds=float(_CLOCK.read_text()))
    except OSError:
        return _true_now()


# Before any model takes it as a default.
timezone.now = _moved_now
