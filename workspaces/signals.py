"""News for the apps above, which workspaces must not import."""

from django.dispatch import Signal

member_removed = Signal()  # membership: Membership, sent inside the transaction that removed it
workspace_created = Signal()  # workspace: Workspace, sent inside the transaction that created it
role_created = Signal()  # role: Role, sent inside the transaction that created it
# workspace: Workspace, memberships: list[Membership]. Before the members page shows them: a receiver may set on each
# what its own part of the page shows (by one query for all, not one a row).
members_listed = Signal()
