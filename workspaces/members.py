"""Who belongs to a workspace: create it, find, change, remove; never without an admin.

How people come in stands in invitations.py and joining.py; their main functions can be had from here.

Every change takes the workspace's row lock first, so that two people who act at once do so one after the other.
The database itself refuses the removal of the last admin too (migration 0003).
"""

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from workspaces import audit, signals
from workspaces.audit import Action
from workspaces.errors import MembersError
from workspaces.free_mail import is_free_mail
from workspaces.invitations import accept, invite
from workspaces.joining import add
from workspaces.locking import lock, require_admin
from workspaces.models import Membership, Role, User, Workspace
from workspaces.people import verified_addresses

__all__ = [
    "MembersError",
    "accept",
    "add",
    "change_role",
    "create_workspace",
    "find_member",
    "find_members",
    "invite",
    "live_memberships",
    "remove",
    "set_admin",
]

DEFAULT_ROLE = "Everyone"
SLUG_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


# --- Reading ----------------------------------------------------------------------------------------------


def live_memberships(workspace: Workspace) -> QuerySet[Membership]:
    """Return who is in the workspace now, by name; user and role come along."""
    return (
        workspace.memberships.filter(left_at=None)
        .select_related("user", "role")
        .order_by("user__name", "user__email")
    )


def find_member(workspace: Workspace, email: str) -> Membership | None:
    """Return the member to whom the address belongs, whatever its case; any verified address counts."""
    return find_members(workspace, [email]).get(email.strip().lower())


def find_members(workspace: Workspace, emails: Iterable[str]) -> dict[str, Membership]:
    """Return the member of each address that belongs to one, by the address in lower case; one query."""
    wanted = {email.strip().lower() for email in emails}
    addresses = EmailAddress.objects.filter(email__in=wanted, verified=True, user__is_active=True)
    owner = dict(addresses.values_list("email", "user_id"))
    found = {each.user_id: each for each in live_memberships(workspace).filter(user__in=owner.values())}
    return {email: found[user_id] for email, user_id in owner.items() if user_id in found}


# --- Starting a workspace -----------------------------------------------------------------------------------


@transaction.atomic
def create_workspace(name: str, user: User) -> Membership:
    """Create a workspace with its default role and the person as its admin.

    Its own domain is proposed from the person's verified address, unless a mail provider for everybody owns it.
    Raises MembersError when the name is empty.
    """
    name = name.strip()
    if not name:
        raise MembersError("Please give the workspace a name.")
    workspace = _insert_with_free_slug(name, _own_domains_of(user))
    signals.workspace_created.send(Workspace, workspace=workspace)
    role = Role.objects.create(workspace=workspace, name=DEFAULT_ROLE, is_default=True)
    signals.role_created.send(Role, role=role)
    audit.record(Action.WORKSPACE_CREATED, workspace=workspace, actor=user, target=name)
    membership = Membership.objects.create(workspace=workspace, user=user, role=role, is_admin=True)
    user.last_workspace = workspace
    user.save(update_fields=["last_workspace"])
    return membership


def _own_domains_of(user: User) -> list[str]:
    if user.email not in verified_addresses(user):
        return []
    domain = user.email.rpartition("@")[2]
    return [] if is_free_mail(domain) else [domain]


def _insert_with_free_slug(name: str, own_domains: list[str]) -> Workspace:
    slug = base = slugify(name)[:50].strip("-_") or "team"
    while True:
        try:
            with transaction.atomic():
                return Workspace.objects.create(name=name[:200], slug=slug, own_domains=own_domains)
        except IntegrityError:
            if not Workspace.objects.filter(slug=slug).exists():
                raise
            slug = f"{base}-{get_random_string(4, SLUG_LETTERS)}"


# --- Changing who is in it ----------------------------------------------------------------------------------


@transaction.atomic
def change_role(membership: Membership, role: Role, by: User | None) -> Membership:
    """Give the member another role of the same workspace. Raises MembersError."""
    current = _locked(membership, by)
    if not current.workspace.roles.filter(pk=role.pk).exists():
        raise MembersError("This role does not exist any more. Please choose another one.")
    if current.role_id != role.pk:
        details = {"role": [current.role.name, role.name]}
        _update(current, role=role)
        _record(Action.MEMBER_ROLE_CHANGED, current, by, details)
    return current


@transaction.atomic
def set_admin(membership: Membership, is_admin: bool, by: User | None) -> Membership:
    """Make the member an admin, or no longer one. Raises MembersError for the last admin."""
    current = _locked(membership, by)
    if current.is_admin == is_admin:
        return current
    if not is_admin:
        _require_another_admin(current)
    _update(current, is_admin=is_admin)
    _record(Action.MEMBER_ADMIN_CHANGED, current, by, {"admin": is_admin})
    return current


@transaction.atomic
def remove(membership: Membership, by: User | None) -> None:
    """End the membership, by an admin or by the member in person; raises MembersError for the last admin.

    The row stays for the history. Sends signals.member_removed in the same transaction.
    """
    leaves = by is not None and by.pk == membership.user_id
    current = _locked(membership, None if leaves else by)
    if current.is_admin:
        _require_another_admin(current)
    _update(current, left_at=timezone.now(), is_admin=False)
    User.objects.filter(pk=current.user_id, last_workspace=current.workspace).update(last_workspace=None)
    _record(Action.MEMBER_LEFT if leaves else Action.MEMBER_REMOVED, current, by, {"role": current.role.name})
    signals.member_removed.send(Membership, membership=current)


def _locked(membership: Membership, by: User | None) -> Membership:
    workspace = lock(membership.workspace)
    require_admin(workspace, by)
    current = (
        Membership.objects.select_related("workspace", "user", "role").filter(pk=membership.pk, left_at=None).first()
    )
    if current is None:
        raise MembersError("This person is not a member any more.")
    return current


def _require_another_admin(membership: Membership) -> None:
    others = membership.workspace.memberships.filter(is_admin=True, left_at=None, user__is_active=True)
    if not others.exclude(pk=membership.pk).exists():
        raise MembersError("A workspace needs an admin: make somebody else an admin first.")


def _update(membership: Membership, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(membership, name, value)
    membership.save(update_fields=list(changes))


def _record(action: Action, membership: Membership, by: User | None, details: dict[str, Any]) -> None:
    audit.record(action, workspace=membership.workspace, actor=by, target=membership.user.email, details=details)
