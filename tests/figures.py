"""Figures that tests report; each is a line at the end of the run."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Report a line, such as `figure("8 refused")`."""
    return partial(record_property, "figure")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the tests that were run have reported."""
    reports = [each for reports in terminalreporter.stats.values() for each in reports]
    for report in reports:
        if getattr(report, "when", "") == "call":
            for name, line in report.user_properties:
                if name == "figure":
                    terminalreporter.write_line(line)
