"""Roles: the groups of members that share Salesforce settings. Their settings are the activity app's."""

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from workspaces import audit, signals
from workspaces.audit import Action
from workspaces.errors import MembersError
from workspaces.invitations import open_invitations
from workspaces.locking import lock, require_admin
from workspaces.models import Role, User, Workspace

NAME_TAKEN = "There is a role with this name already. Please choose another name."
NOT_THERE = "This role does not exist any more."


def roles_of(workspace: Workspace) -> QuerySet[Role]:
    """Return the workspace's roles, the default one first; each has `member_count`, who is in it now."""
    return workspace.roles.annotate(member_count=Count("memberships", filter=Q(memberships__left_at=None))).order_by(
        "-is_default", "name", "pk"
    )


@transaction.atomic
def create_role(workspace: Workspace, name: str, by: User | None) -> Role:
    """Create a role; sends signals.role_created in the same transaction. Raises MembersError for a name in use."""
    require_admin(lock(workspace), by)
    name = _free_name(workspace, name)
    role = Role.objects.create(workspace=workspace, name=name)
    signals.role_created.send(Role, role=role)
    audit.record(Action.ROLE_CREATED, workspace=workspace, actor=by, target=name)
    return role


@transaction.atomic
def rename_role(role: Role, name: str, by: User | None) -> Role:
    """Give the role another name. Raises MembersError for a name in use."""
    current = _locked(role, by)
    name = _free_name(current.workspace, name, besides=current)
    if name != current.name:
        former, current.name = current.name, name
        current.save(update_fields=["name"])
        audit.record(
            Action.ROLE_RENAMED, workspace=current.workspace, actor=by, target=name, details={"name": [former, name]}
        )
    return current


@transaction.atomic
def make_default(role: Role, by: User | None) -> Role:
    """Make it the role of whoever joins without another choice. Raises MembersError."""
    current = _locked(role, by)
    if not current.is_default:
        current.workspace.roles.filter(is_default=True).update(is_default=False)
        current.is_default = True
        current.save(update_fields=["is_default"])
        audit.record(Action.ROLE_DEFAULT_CHANGED, workspace=current.workspace, actor=by, target=current.name)
    return current


@transaction.atomic
def delete_role(role: Role, by: User | None) -> None:
    """Delete a role that nobody is in; former members go to the default one.

    Raises MembersError for the default role, one with members, and one that an open invitation names.
    """
    current = _locked(role, by)
    _require_unused(current)
    default = current.workspace.roles.get(is_default=True)
    current.memberships.update(role=default)
    current.delete()
    audit.record(Action.ROLE_DELETED, workspace=current.workspace, actor=by, target=current.name)


def _require_unused(role: Role) -> None:
    if role.is_default:
        raise MembersError("This is the role of new members: make another role the default first.")
    if role.memberships.filter(left_at=None).exists():
        raise MembersError("Some members are in this role: give them another role first.")
    if open_invitations(role.workspace).filter(role=role).exists():
        raise MembersError("An open invitation names this role: withdraw the invitation first.")


def _locked(role: Role, by: User | None) -> Role:
    workspace = lock(role.workspace)
    require_admin(workspace, by)
    current = workspace.roles.select_related("workspace").filter(pk=role.pk).first()
    if current is None:
        raise MembersError(NOT_THERE)
    return current


def _free_name(workspace: Workspace, name: str, besides: Role | None = None) -> str:
    name = " ".join(name.split())[:100]
    if not name:
        raise MembersError("Please give the role a name.")
    others = workspace.roles.filter(name__iexact=name)
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    if others.exists():
        raise MembersError(NAME_TAKEN)
    return name
