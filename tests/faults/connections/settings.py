"""The settings of the suite, with a limited database; where Salesforce is, comes from the environment."""

from tests.settings import *  # noqa: F403

DATABASES["default"]["ENGINE"] = "tests.faults.connections.limited"  # noqa: F405
LOGGING["root"]["level"] = "CRITICAL"  # noqa: F405
