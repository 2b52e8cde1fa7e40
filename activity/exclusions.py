"""The lists of what is never logged: a role's, kept by admins, and the personal ones, which only their owners read.

A personal list is in no audit entry: admins read the audit log.
"""

import re

from django.db import transaction

from activity.models import Exclusion, ExclusionKind
from workspaces.audit import Action, record
from workspaces.models import Membership, Role, User

_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_ADDRESS = re.compile(r"[^\s@]+@(?P<domain>[^\s@]+)")
LOCAL_PART = re.compile(r"[^\s@]+")


class ExclusionError(Exception):
    """A value that cannot be kept; `user_message` says why."""

    def __init__(self, user_message: str) -> None:
        super().__init__("exclusion refused")
        self.user_message = user_message


def normalise(kind: ExclusionKind, value: str) -> str:
    """The value as it is compared: lower case, a domain in ASCII without @. Raises ExclusionError."""
    value = " ".join(value.replace("\0", "").split()).casefold().strip("<>")
    if not value:
        raise ExclusionError("Please write what is never to be logged.")
    if len(value) > 320:
        raise ExclusionError("That is too long: at most 320 characters.")
    if kind == ExclusionKind.DOMAIN:
        return _ascii_domain(value.lstrip("@."))
    if kind == ExclusionKind.ADDRESS:
        found = _ADDRESS.fullmatch(value)
        if not found:
            raise ExclusionError("Please write a whole address, like name@example.com.")
        return value.removesuffix(found["domain"]) + _ascii_domain(found["domain"])
    return value


def _ascii_domain(text: str) -> str:
    try:
        domain = text.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise ExclusionError("Please write a domain like example.com.")
    return domain


def add_personal(membership: Membership, kind: ExclusionKind, value: str) -> Exclusion:
    """Never log this for the member; adding it twice changes nothing. Raises ExclusionError."""
    return Exclusion.objects.get_or_create(
        workspace=membership.workspace, membership=membership, kind=kind, value=normalise(kind, value)
    )[0]


def remove_personal(exclusion: Exclusion) -> None:
    """Take an entry off its owner's list."""
    exclusion.delete()


@transaction.atomic
def add_for_role(role: Role, kind: ExclusionKind, value: str, by: User | None) -> Exclusion:
    """Never log this for the role's members. Raises ExclusionError."""
    return _add(role, kind, normalise(kind, value), by, is_override=False)


@transaction.atomic
def add_override(role: Role, value: str, by: User | None) -> Exclusion:
    """Log an address, or every address with this part before the @, although it is on the built-in list.

    Raises ExclusionError.
    """
    value = value.strip().casefold()
    if not LOCAL_PART.fullmatch(value):
        value = normalise(ExclusionKind.ADDRESS, value)
    return _add(role, ExclusionKind.ADDRESS, value, by, is_override=True)


@transaction.atomic
def remove_from_role(exclusion: Exclusion, by: User | None) -> None:
    """Take an entry off a role's list."""
    exclusion.delete()
    _record(exclusion, by, "removed")


def _add(role: Role, kind: ExclusionKind, value: str, by: User | None, *, is_override: bool) -> Exclusion:
    exclusion, is_new = Exclusion.objects.get_or_create(
        workspace=role.workspace, role=role, kind=kind, value=value, defaults={"is_override": is_override}
    )
    if not is_new and exclusion.is_override != is_override:
        raise ExclusionError("This is on the other list already. Remove it there first.")
    if is_new:
        _record(exclusion, by, "added")
    return exclusion


def _record(exclusion: Exclusion, by: User | None, change: str) -> None:
    record(
        Action.EXCLUSION_CHANGED,
        workspace=exclusion.workspace,
        actor=by,
        target=str(exclusion.role),
        details={"kind": exclusion.kind, "value": exclusion.value, "override": exclusion.is_override, change: True},
    )
