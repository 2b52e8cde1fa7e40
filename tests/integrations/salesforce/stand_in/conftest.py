"""Salesforce users who call the stand-in."""

from collections.abc import Callable, Iterator

import pytest

from tests.integrations.salesforce.stand_in.caller import ADA, BEN, SYNC, Caller
from tests.stand_in_fixtures import TestedStandIn


@pytest.fixture
def log_in_as(stand_in: TestedStandIn) -> Iterator[Callable[[str], Caller]]:
    """Log a user in and return the caller; sessions are closed at the end."""
    callers: list[Caller] = []

    def log_in(email: str) -> Caller:
        callers.append(Caller(stand_in, email))
        return callers[-1]

    yield log_in
    for caller in callers:
        caller.session.close()


@pytest.fixture
def ada(log_in_as: Callable[[str], Caller]) -> Caller:
    """Ada sells."""
    return log_in_as(ADA)


@pytest.fixture
def ben(log_in_as: Callable[[str], Caller]) -> Caller:
    """Ben sells, too."""
    return log_in_as(BEN)


@pytest.fixture
def sync(log_in_as: Callable[[str], Caller]) -> Caller:
    """The integration's own user, an admin."""
    return log_in_as(SYNC)
