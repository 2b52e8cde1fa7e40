"""Make one change and tell the person how it went."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest

from workspaces.errors import MembersError


def attempt(request: HttpRequest, change: Callable[[], object], done: str) -> bool:
    """Run the change; say `done`, or the reason why it was refused. Returns whether it was made."""
    try:
        change()
    except MembersError as error:
        messages.error(request, error.user_message)
        return False
    messages.success(request, done)
    return True
