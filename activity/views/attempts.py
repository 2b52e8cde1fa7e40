"""Trying a repair and telling the person how it went."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest

from activity.repair import RepairError


def attempt(request: HttpRequest, repair: Callable[[], str]) -> bool:
    """Run the repair and say the sentence that it returns, or why it was refused. Returns whether it was done."""
    try:
        done = repair()
    except RepairError as error:
        messages.error(request, error.user_message)
        return False
    messages.success(request, done)
    return True
