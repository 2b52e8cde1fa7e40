"""News for the apps above, which workspaces must not import."""

from django.dispatch import Signal

member_removed = Signal()  # membership: Membership, sent inside the transaction that removed it
workspace_created = Signal()  # workspace: Workspace, sent inside the transaction that created it
role_created = Signal()  # role: Role, sent inside the transaction that created it
