"""How a person becomes a member."""

from django.db import transaction
from django.utils import timezone

from workspaces import audit
from workspaces.audit import Action
from workspaces.locking import lock
from workspaces.models import Membership, Role, User, Workspace


@transaction.atomic
def add(
    workspace: Workspace,
    user: User,
    *,
    role: Role | None = None,
    is_admin: bool = False,
    by: User | None = None,
) -> Membership:
    """Make the person a member; somebody who had left gets the former membership back, with its history.

    role: None for the default role. Whoever is a member already keeps the role, and may become an admin.
    """
    lock(workspace)
    role = role or workspace.roles.get(is_default=True)
    membership = workspace.memberships.select_related("user", "role").filter(user=user).first()
    if membership is not None and membership.left_at is None:
        return _raise_to_admin(membership, by) if is_admin else membership
    if membership is None:
        membership = Membership(workspace=workspace, user=user)
    membership.role, membership.is_admin = role, is_admin
    membership.joined_at, membership.left_at = timezone.now(), None
    membership.save()
    audit.record(
        Action.MEMBER_JOINED,
        workspace=workspace,
        actor=by or user,
        target=user.email,
        details={"role": role.name, "admin": is_admin},
    )
    return membership


def _raise_to_admin(membership: Membership, by: User | None) -> Membership:
    if not membership.is_admin:
        membership.is_admin = True
        membership.save(update_fields=["is_admin"])
        audit.record(
            Action.MEMBER_ADMIN_CHANGED,
            workspace=membership.workspace,
            actor=by,
            target=membership.user.email,
            details={"admin": True},
        )
    return membership
