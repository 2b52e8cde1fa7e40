"""Watching a mailbox that was connected by signing in: tokens run out, are refreshed, and end."""

import time

import pytest
from django.core import mail as outbox

from activity.models import Activity
from activity.own_settings import save_sync_all
from integrations import mailbox_grants, mailboxes
from integrations.mailbox import oauth
from integrations.mailbox_log_ins import LogIn
from integrations.mailbox_providers import sign_in_provider
from integrations.mailbox_tokens import Token
from integrations.models import Mailbox, MailboxAuth, MailboxGrant
from integrations.salesforce.oauth import challenge_of
from integrations.secrets import Secret
from tests.activity.mail_watch.watched import wait_for, watching
from tests.activity.stories import NORA
from tests.authorization_server import AuthorizationServer
from tests.mailbox_fixtures import Dovecot, letter, needs_dovecot
from workspaces.models import Membership

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]
CALLBACK = "http://testserver/integrations/mailbox/callback/google/"


def sign_in(member: Membership, dovecot: Dovecot, name: str) -> str:
    """Ben's mailbox `name`@acme.example, connected with a grant; returns its address."""
    address, verifier = f"{name}@acme.example", "v" * 64
    dovecot.users[address] = address
    provider = sign_in_provider(MailboxAuth.GOOGLE)
    url = oauth.authorize_url(provider, CALLBACK, "0" * 64, challenge_of(verifier), address)
    callback = dovecot.issuer.sign_in(url, address)
    code = callback.partition("code=")[2].partition("&")[0]
    tokens = oauth.exchange_code(provider, CALLBACK, code, verifier)
    grant = mailbox_grants.keep_for_now(member.workspace, MailboxAuth.GOOGLE, tokens)
    save_sync_all(member, True)
    token = Token(1, Secret(tokens.access_token), tokens.expires_at)
    log_in = LogIn(address, dovecot.host, address, port=dovecot.port, auth=MailboxAuth.GOOGLE, token=token)
    mailboxes.connect(member, log_in, grant)
    return address


def sent(address: str, number: int) -> bytes:
    return letter(number, From=address)


def test_mail_is_read_over_the_end_of_tokens(
    dovecot: Dovecot, issuer: AuthorizationServer, ben_member: Membership
) -> None:
    """Each token is good for five seconds: the connections are renewed without anybody noticing."""
    issuer.lifetime = 5
    address = sign_in(ben_member, dovecot, "ends")
    with watching():
        wait_for("the watcher", lambda: dovecot.connections_of(address) == 2)
        dovecot.send(sent(address, 1), address, [NORA])
        wait_for("the first mail", lambda: Activity.objects.count() == 1)
        wait_for("new tokens", lambda: MailboxGrant.objects.get().version >= 3, limit=20)
        dovecot.send(sent(address, 2), address, [NORA])
        wait_for("the second mail", lambda: Activity.objects.count() == 2)

    mailbox = Mailbox.objects.get()
    assert (mailbox.state, mailbox.failures, mailbox.failing_since) == ("connected", 0, None)
    assert len(issuer.grants[0].refresh_tokens) == MailboxGrant.objects.get().version
    assert not issuer.grants[0].is_revoked  # no refresh token was presented twice
    assert outbox.outbox == []


def test_a_token_that_ran_out_while_nobody_watched_is_refreshed_once(
    dovecot: Dovecot, issuer: AuthorizationServer, ben_member: Membership
) -> None:
    address = sign_in(ben_member, dovecot, "away")
    issuer.expire_access_tokens()
    with watching():
        wait_for("the watcher", lambda: dovecot.connections_of(address) == 2)

    assert issuer.token_requests("refresh_token") == 1


def test_a_sign_in_that_was_ended_is_told_once_and_not_tried_again(
    dovecot: Dovecot, issuer: AuthorizationServer, ben_member: Membership
) -> None:
    sign_in(ben_member, dovecot, "ended")
    issuer.grants[0].is_revoked = True
    with watching():
        wait_for("the trouble", lambda: Mailbox.objects.get().state == "needs_attention")
        time.sleep(1)  # what the other folder's thread had begun
        seen = (issuer.introspected, issuer.token_requests())
        time.sleep(2.5)
        assert (issuer.introspected, issuer.token_requests()) == seen

    mailbox = Mailbox.objects.get()
    assert (mailbox.cause, mailbox.cause_text) == ("sign_in", "Token has been expired or revoked.")
    assert issuer.token_requests("refresh_token") <= 2  # each of the two folders asked at most once
    assert [each.subject for each in outbox.outbox] == ["Your mailbox ended@acme.example needs attention"]
    assert "Sign in again." in outbox.outbox[0].body


def test_a_provider_that_is_away_is_waited_for(
    dovecot: Dovecot, issuer: AuthorizationServer, ben_member: Membership
) -> None:
    address = sign_in(ben_member, dovecot, "later")
    issuer.expire_access_tokens()
    issuer.answer = lambda _: (503, {}, b"")
    issuer.rotates = False
    with watching():
        wait_for("the trouble", lambda: Mailbox.objects.get().failures == 1)
        issuer.answer = None
        Mailbox.objects.update(retry_at=None)
        wait_for("the watcher", lambda: dovecot.connections_of(address) == 2)
        wait_for("the end of the trouble", lambda: Mailbox.objects.get().failures == 0)

    assert outbox.outbox == []


def test_disconnected_the_connections_are_closed_and_the_sign_in_ends(
    dovecot: Dovecot, issuer: AuthorizationServer, ben_member: Membership
) -> None:
    address = sign_in(ben_member, dovecot, "gone")
    with watching():
        wait_for("the watcher", lambda: dovecot.connections_of(address) == 2)
        mailboxes.disconnect(mailboxes.mailbox_of(ben_member), by=None)
        wait_for("the end of the connections", lambda: dovecot.connections_of(address) == 0, limit=5)

    assert [grant.is_revoked for grant in issuer.grants] == [True]
    assert not MailboxGrant.objects.exists()
