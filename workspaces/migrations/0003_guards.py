"""Two promises that the database keeps by itself: a workspace keeps an admin, the audit log is append-only."""

from django.db import migrations

# Looked at when the transaction commits, so that admin rights can be handed over in any order inside it.
# The row lock makes two transactions that take away the last two admins look one after the other; a deleted
# workspace, whose row is gone by then, needs no admin.
KEEP_AN_ADMIN = """
CREATE FUNCTION workspaces_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM workspaces_workspace WHERE id = OLD.workspace_id FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT 1 FROM workspaces_membership
        WHERE workspace_id = OLD.workspace_id AND is_admin AND left_at IS NULL
    ) THEN
        RAISE EXCEPTION 'a workspace needs an admin'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'workspace_keeps_an_admin';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER workspace_keeps_an_admin_updated
AFTER UPDATE ON workspaces_membership DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.is_admin AND OLD.left_at IS NULL AND NOT (
    NEW.is_admin AND NEW.left_at IS NULL AND NEW.workspace_id = OLD.workspace_id
))
EXECUTE FUNCTION workspaces_keep_an_admin();

CREATE CONSTRAINT TRIGGER workspace_keeps_an_admin_deleted
AFTER DELETE ON workspaces_membership DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.is_admin AND OLD.left_at IS NULL)
EXECUTE FUNCTION workspaces_keep_an_admin();
"""

DROP_KEEP_AN_ADMIN = """
DROP TRIGGER workspace_keeps_an_admin_updated ON workspaces_membership;
DROP TRIGGER workspace_keeps_an_admin_deleted ON workspaces_membership;
DROP FUNCTION workspaces_keep_an_admin();
"""

# Forgetting who did it (a deleted person) is the one change; entries go with their workspace.
APPEND_ONLY = """
CREATE FUNCTION workspaces_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.actor_id IS NULL AND to_jsonb(NEW) - 'actor_id' = to_jsonb(OLD) - 'actor_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an audit entry is never changed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_append_only';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE ON workspaces_auditentry
FOR EACH ROW EXECUTE FUNCTION workspaces_audit_append_only();
"""

DROP_APPEND_ONLY = """
DROP TRIGGER audit_append_only ON workspaces_auditentry;
DROP FUNCTION workspaces_audit_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0002_shared_cache")]
    operations = [
        migrations.RunSQL(KEEP_AN_ADMIN, DROP_KEEP_AN_ADMIN),
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
    ]
