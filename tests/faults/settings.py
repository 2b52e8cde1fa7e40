"""The settings of an installation under faults: those of a real one, with its own clock and short durations."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from tests.faults.durations import QUEUE_RETRY, QUEUE_TIMEOUT, SCALED

if not os.environ.get("FAULTS_FULL_LENGTH"):
    os.environ.update(SCALED)
os.environ.setdefault("DEBUG", "1")
os.environ.setdefault("BASE_URL", "http://testserver")
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
os.environ.setdefault("EMAIL_URL", "dummy:")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from config.settings import *  # noqa: F403

INSTALLED_APPS += ["tests.faults.scaled.ScaledConfig"]  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if not os.environ.get("FAULTS_FULL_LENGTH"):
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
