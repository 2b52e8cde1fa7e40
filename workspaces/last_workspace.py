"""Where a person goes who does not say where."""

from django.db.models import Case, Value, When

from workspaces.models import Membership, User, Workspace


def last_membership(user: User) -> Membership | None:
    """Return the live membership in the workspace used last, else in the one joined last, else None."""
    used_last = Case(When(workspace=user.last_workspace_id, then=Value(0)), default=Value(1))
    return (
        user.memberships.filter(left_at=None)
        .select_related("workspace", "role")
        .order_by(used_last, "-joined_at", "-pk")
        .first()
    )


def workspaces_of(user: User) -> list[Workspace]:
    """Return the workspaces in which the person is a member, by name."""
    return list(Workspace.objects.filter(memberships__user=user, memberships__left_at=None).order_by("name", "pk"))
