"""One change of a workspace's people at a time, by somebody who may make it."""

from workspaces.errors import MembersError
from workspaces.models import User, Workspace


def lock(workspace: Workspace) -> Workspace:
    """Wait for the workspace's row lock, held until the transaction ends, and return the row as it is now.

    Rows that refer to the workspace can still be added meanwhile: nobody's mail waits for a change of roles.
    """
    return Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)


def require_admin(workspace: Workspace, by: User | None) -> None:
    """Refuse whoever is not an admin of the workspace at this moment; None is the system itself.

    Raises MembersError. To be called under the lock: the page's gate looked before it.
    """
    if by is None:
        return
    if not workspace.memberships.filter(user=by, is_admin=True, left_at=None).exists():
        raise MembersError("Only an admin of the workspace may do this, and you are not one any more.")
