"""Keys of a workspace for our API: shown once, kept as SHA-256 only."""

import hashlib
import re
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from config.prepared import prepared_cursor
from integrations.models import ApiKey
from workspaces.audit import Action, record
from workspaces.members import live_memberships
from workspaces.models import User, Workspace

KEY = re.compile(r"tl_[A-Za-z0-9_-]{43}")
PREFIX_LENGTH = 10
USE_IS_NOTED_EVERY = timedelta(minutes=1)

_KEY, _WORKSPACE = ([field.attname for field in model._meta.concrete_fields] for model in (ApiKey, Workspace))
_FIND = f"""
SELECT {", ".join(f"k.{name}" for name in _KEY)}, {", ".join(f"w.{name}" for name in _WORKSPACE)}
FROM integrations_apikey k JOIN workspaces_workspace w ON w.id = k.workspace_id
WHERE k.digest = %(digest)s AND k.revoked_at IS NULL
"""  # noqa: S608 - names of columns


def create(workspace: Workspace, name: str, by: User | None) -> tuple[ApiKey, str]:
    """Make a key of 256 random bits; return its row and the key itself, which nobody can read again."""
    text = f"tl_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            workspace=workspace,
            name=name.strip()[:100],
            prefix=text[:PREFIX_LENGTH],
            digest=_digest(text),
            created_by=by,
        )
        record(Action("api_key.created"), workspace=workspace, actor=by, target=key.name)
    return key, text


def authenticate(key_text: str) -> ApiKey | None:
    """Return the live key (its workspace selected along) that `key_text` is, or None."""
    if not KEY.fullmatch(key_text):
        return None
    with prepared_cursor() as cursor:
        cursor.execute(_FIND, {"digest": _digest(key_text)})
        row = cursor.fetchone()
    if row is None:
        return None
    key = ApiKey.from_db(None, _KEY, row[: len(_KEY)])
    key.workspace = Workspace.from_db(None, _WORKSPACE, row[len(_KEY) :])
    _note_use(key)
    return key


def keys_of(workspace: Workspace) -> list[ApiKey]:
    """The workspace's keys, live ones first.

    Each has `knower_left`: it is live, and who made it is no admin any more.
    """
    keys = list(workspace.api_keys.select_related("created_by").order_by("revoked_at", "-created_at"))
    admins = set(live_memberships(workspace).filter(is_admin=True).values_list("user_id", flat=True))
    for key in keys:
        maker = key.created_by_id
        key.knower_left = key.revoked_at is None and maker is not None and maker not in admins  # type: ignore[attr-defined]
    return keys


def live_keys_by(workspace: Workspace, maker: User) -> list[ApiKey]:
    """The live keys that this person has made, the oldest first."""
    return list(workspace.api_keys.filter(created_by=maker, revoked_at=None).order_by("created_at"))


def revoke(key: ApiKey, by: User | None) -> None:
    """End the key at once; revoking it again changes nothing."""
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            record(Action("api_key.revoked"), workspace=key.workspace, actor=by, target=key.name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _note_use(key: ApiKey) -> None:
    """Remember the last use, to the minute: not a write for each request."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= USE_IS_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
