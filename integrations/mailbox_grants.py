"""Sign-ins at mail providers from their first to their last moment.

A grant is written down before anything is done with it, as one that is to be revoked soon: only a mailbox that opens
with it keeps it. So none outlives a crash, a refusal or a disconnect, wherever the provider can be told.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from integrations import mailbox_tokens, secrets
from integrations.mailbox import oauth
from integrations.mailbox.errors import SignInUnavailable
from integrations.mailbox_providers import sign_in_provider
from integrations.models import Mailbox, MailboxAuth, MailboxGrant
from integrations.secrets import SecretsError, context_of
from workspaces.ids import uuid7
from workspaces.models import Workspace

UNUSED_FOR = timedelta(minutes=10)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
MOST_TRIES = 36
"""Seven days of tries."""
CLAIM = timedelta(minutes=2)
"""How long one try may take; another process leaves the row alone meanwhile."""

logger = logging.getLogger(__name__)


def keep_for_now(workspace: Workspace, provider: MailboxAuth, tokens: oauth.Tokens) -> MailboxGrant:
    """Write a new grant down; it is revoked in ten minutes unless `attach` gives it to a mailbox."""
    grant = MailboxGrant(
        uuid=uuid7(),
        workspace=workspace,
        provider=provider,
        account=tokens.addresses[0],
        revoke_at=timezone.now() + UNUSED_FOR,
    )
    mailbox_tokens.fill(grant, tokens)
    grant.save()
    return grant


def attach(grant: MailboxGrant, mailbox: Mailbox) -> None:
    """Let the grant open the mailbox, in the caller's transaction; a former one ends."""
    end_of(mailbox)
    MailboxGrant.objects.filter(pk=grant.pk).update(mailbox=mailbox, revoke_at=None)


def end_of(mailbox: Mailbox) -> None:
    """End the grant of a mailbox, if it has one, in the caller's transaction; the provider is told after it."""
    grant = MailboxGrant.objects.filter(mailbox=mailbox).first()
    if grant is not None:
        end(grant)


def end(grant: MailboxGrant) -> None:
    """Revoke a grant, at first after the caller's transaction, then until the provider confirms it."""
    MailboxGrant.objects.filter(pk=grant.pk).update(mailbox=None, revoke_at=timezone.now(), tries=0)
    transaction.on_commit(lambda: _try_to_revoke(grant.pk), robust=True)


def revoke_due(limit: int = 100) -> int:
    """Try those that are due; returns how many have ended."""
    due = MailboxGrant.objects.filter(mailbox=None, revoke_at__lte=timezone.now()).order_by("revoke_at")
    return sum(_try_to_revoke(pk) for pk in list(due.values_list("pk", flat=True)[:limit]))


def revoke_now() -> None:
    """Try every grant that no mailbox has (any more) once, whenever it would be due."""
    unused = MailboxGrant.objects.filter(mailbox=None)
    unused.filter(revoke_at__gt=timezone.now()).update(revoke_at=timezone.now())
    for pk in list(unused.order_by("pk").values_list("pk", flat=True)):
        _try_to_revoke(pk)


def is_revocable(provider: MailboxAuth) -> bool:
    """Whether the provider can be told that a sign-in has ended."""
    found = sign_in_provider(provider)
    return found is not None and bool(found.revoke_url)


def _try_to_revoke(grant_id: int) -> bool:
    """Try once, unless another process is at it; returns whether the grant has ended. Raises nothing: a provider that
    is away and a token that cannot be opened are put off.
    """
    grant = _claim(grant_id)
    if grant is None:
        return False
    try:
        _revoke(grant)
    except (SignInUnavailable, SecretsError) as error:
        logger.warning("mailbox grant %s could not be revoked yet: %s", grant.pk, error)
        _put_off(grant)
        return False
    grant.delete()
    return True


def _claim(grant_id: int) -> MailboxGrant | None:
    with transaction.atomic():
        rows = MailboxGrant.objects.filter(pk=grant_id, mailbox=None, revoke_at__lte=timezone.now())
        grant = rows.select_for_update(skip_locked=True, of=("self",)).select_related("workspace").first()
        if grant:
            grant.tries += 1
            MailboxGrant.objects.filter(pk=grant.pk).update(tries=grant.tries, revoke_at=timezone.now() + CLAIM)
        return grant


def _revoke(grant: MailboxGrant) -> None:
    """Tell the provider, unless it cannot be told, or another mailbox lives of the same account: with Google the end
    of one sign-in of an account is the end of all.
    """
    provider = sign_in_provider(MailboxAuth(grant.provider))
    is_shared = MailboxGrant.objects.filter(
        provider=grant.provider, account=grant.account, mailbox__isnull=False
    ).exists()
    if provider is None or not provider.revoke_url or is_shared:
        return
    column = "refresh_token_sealed" if grant.refresh_token_sealed else "access_token_sealed"
    oauth.revoke(provider, secrets.open(getattr(grant, column), context_of(grant, column)).reveal())


def _put_off(grant: MailboxGrant) -> None:
    if grant.tries >= MOST_TRIES:
        logger.warning("mailbox grant %s was given up: it has to be removed at the provider", grant.pk)
        grant.delete()
        return
    wait = min(FIRST_WAIT * 2 ** min(grant.tries - 1, 10), LONGEST_WAIT)
    MailboxGrant.objects.filter(pk=grant.pk).update(revoke_at=timezone.now() + wait)
