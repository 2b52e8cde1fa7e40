"""The end of a trip to Salesforce that becomes no connection: what was granted is revoked at once."""

import logging

from django.db import transaction
from django.utils import timezone

from integrations import connect_errors as problems
from integrations import revocations, secrets
from integrations.connect_errors import Problem
from integrations.models import PendingGrant
from integrations.secrets import Secret, context_of

logger = logging.getLogger(__name__)

NO_SECRETS = {"verifier_sealed": "", "access_token_sealed": "", "refresh_token_sealed": ""}
"""The secret columns of a trip that is over."""


def end(pending: PendingGrant, why: str, problem: Problem | None = None) -> bool:
    """End a trip without a connection: revoke what was granted, drop its secrets, keep what the card says.

    Returns whether this call ended it.
    """
    with transaction.atomic():
        row = (
            PendingGrant.objects.select_related("workspace", "user")
            .select_for_update(of=("self",))
            .get(pk=pending.pk)
        )
        if row.ended_at is not None:
            return False
        _revoke(row, why)
        row.grant = {**pending.grant, "problem": _words(problem)} if problem else pending.grant
        row.error, row.ended_at = why[:60], timezone.now()
        for column, empty in NO_SECRETS.items():
            setattr(row, column, empty)
        row.save()
    pending.error, pending.ended_at, pending.grant = row.error, row.ended_at, row.grant
    return True


def _words(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "title": problem.title,
        "sentence": problem.sentence,
        "who": problem.who,
        "where": problem.where,
    }


def _revoke(row: PendingGrant, why: str) -> None:
    for column in ("refresh_token_sealed", "access_token_sealed"):
        token = _open(row, column)
        if token:
            revocations.queue(
                workspace=row.workspace,
                membership=row.workspace.memberships.filter(user=row.user_id).first(),
                login_url=row.login_url,
                salesforce_user_name=str(row.grant.get("name", "")),
                token=token,
                why=why[:40],
            )
            return


def _open(row: PendingGrant, column: str) -> Secret | None:
    """The token; None when there is none, or none that can be opened: then nobody can revoke it."""
    sealed = getattr(row, column)
    try:
        return secrets.open(sealed, context_of(row, column)) if sealed else None
    except secrets.SecretsError as error:
        logger.error("a grant that was not kept cannot be revoked: %s", error)
        return None


def expire(limit: int = 200) -> int:
    """End trips whose time is over; unconfirmed grants are revoked. Returns how many."""
    over = PendingGrant.objects.filter(ended_at=None, expires_at__lte=timezone.now()).select_related("workspace")
    return sum(expire_one(pending) for pending in over.order_by("expires_at")[:limit])


def expire_one(pending: PendingGrant) -> bool:
    """End a trip whose time is over; returns whether this call did."""
    return end(pending, "expired", problems.STATE_EXPIRED)
