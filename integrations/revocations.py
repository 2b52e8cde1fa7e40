"""Grants that must end at Salesforce: tried at once, then with back-off for seven days, and shown until confirmed."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from integrations import client_app, notices, secrets
from integrations.models import PendingRevocation
from integrations.salesforce import oauth
from integrations.salesforce.errors import SalesforceError
from integrations.secrets import Secret, SecretsError, context_of, seal
from workspaces.ids import uuid7
from workspaces.models import Membership, Workspace

GIVE_UP_AFTER = timedelta(days=7)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
CLAIM = timedelta(minutes=2)
"""How long one try may take; another process leaves the row alone meanwhile."""

logger = logging.getLogger(__name__)


def queue(
    *,
    workspace: Workspace,
    membership: Membership | None,
    login_url: str,
    salesforce_user_name: str,
    token: Secret,
    why: str,
) -> PendingRevocation:
    """Keep the token until Salesforce has confirmed its end; the first try follows the caller's commit."""
    revocation = PendingRevocation(
        uuid=uuid7(),
        workspace=workspace,
        membership=membership,
        login_url=login_url,
        salesforce_user_name=salesforce_user_name,
        why=why,
    )
    revocation.token_sealed = seal(token.reveal(), context_of(revocation, "token_sealed"))
    revocation.save()
    transaction.on_commit(lambda: attempt(revocation.pk), robust=True)
    return revocation


def run_due(limit: int = 100) -> int:
    """Try those that are due, oldest first; return how many are confirmed now."""
    due = PendingRevocation.objects.filter(
        revoked_at=None, given_up_at=None, next_try_at__lte=timezone.now()
    ).order_by("next_try_at")
    return sum(attempt(pk) for pk in list(due.values_list("pk", flat=True)[:limit]))


def run_all() -> int:
    """Try every open one once, whenever it would be due; returns how many are not confirmed."""
    rows = PendingRevocation.objects.filter(revoked_at=None, given_up_at=None)
    rows.filter(next_try_at__gt=timezone.now()).update(next_try_at=timezone.now())
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)):
        attempt(pk)
    return rows.count()


def attempt(revocation_id: int) -> bool:
    """Try once, unless another process is at it; returns whether the grant has ended. Raises nothing: what Salesforce
    refuses and a token that cannot be opened are put off.
    """
    revocation = _claim(revocation_id)
    if revocation is None:
        return False
    try:
        token = secrets.open(revocation.token_sealed, context_of(revocation, "token_sealed"))
        with client_app.open_token_session() as session:
            oauth.revoke(session, revocation.login_url, token.reveal())
    except (SalesforceError, SecretsError) as error:
        logger.warning("revocation %s failed: %s", revocation.pk, error)
        _put_off(revocation)
        return False
    _end(revocation, revoked_at=timezone.now())
    return True


def _claim(revocation_id: int) -> PendingRevocation | None:
    with transaction.atomic():
        open_rows = PendingRevocation.objects.filter(
            pk=revocation_id, revoked_at=None, given_up_at=None, next_try_at__lte=timezone.now()
        )
        revocation = open_rows.select_for_update(skip_locked=True, of=("self",)).select_related("workspace").first()
        if revocation:
            revocation.tries += 1
            PendingRevocation.objects.filter(pk=revocation.pk).update(
                tries=revocation.tries, next_try_at=timezone.now() + CLAIM
            )
        return revocation


def _put_off(revocation: PendingRevocation) -> None:
    now = timezone.now()
    if now - revocation.created_at >= GIVE_UP_AFTER:
        with transaction.atomic():
            _end(revocation, given_up_at=now)
            person = revocation.membership.user if revocation.membership else None
            notices.tell_revocation_given_up(revocation.workspace, person, revocation.salesforce_user_name)
        return
    wait = min(FIRST_WAIT * 2 ** min(revocation.tries - 1, 10), LONGEST_WAIT)
    PendingRevocation.objects.filter(pk=revocation.pk).update(next_try_at=now + wait)


def _end(revocation: PendingRevocation, **when: object) -> None:
    PendingRevocation.objects.filter(pk=revocation.pk).update(token_sealed="", **when)
