"""A server refuses to start with settings that the system checks call wrong, as management commands do."""

from django.core import checks
from django.core.management.base import SystemCheckError


def check_before_start() -> None:
    """Run the system checks of an installation that is set up. Raises SystemCheckError naming every fault."""
    faults = [message for message in checks.run_checks() if message.is_serious() and not message.is_silenced()]
    if faults:
        raise SystemCheckError("Touchline cannot start:\n" + "\n".join(map(str, faults)))
