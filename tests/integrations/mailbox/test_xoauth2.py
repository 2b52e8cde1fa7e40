"""Logging in with a token: the mail server asks the authorization server that gave it."""

import time

import pytest

from integrations.mailbox.errors import TokenRefused
from integrations.mailbox.imap import Imap
from tests.authorization_server import AuthorizationServer, Grant
from tests.integrations.mailbox.test_imap import server
from tests.mailbox_fixtures import Dovecot, letter, needs_dovecot

pytestmark = needs_dovecot
NORA, EVE = "nora.token@acme.example", "eve.token@acme.example"


def token(issuer: AuthorizationServer, email: str, seconds: float = 60) -> str:
    issuer.grants.append(Grant("google", email, access_tokens={f"token-of-{email}": time.time() + seconds}))
    return f"token-of-{email}"


def test_a_good_token_opens_the_mailbox_of_its_address(dovecot: Dovecot, issuer: AuthorizationServer) -> None:
    dovecot.put(NORA, "INBOX", letter(1))
    imap = Imap(server(dovecot))
    imap.log_in_with_token(NORA, token(issuer, NORA))
    imap.open("INBOX")

    assert imap.uids_from(1) == [1]
    assert issuer.introspected == 1
    imap.close()


@pytest.mark.parametrize(("seconds", "owner"), [(-1, NORA), (60, EVE)], ids=["too old", "of another address"])
def test_a_refusal_is_heard_out_and_the_connection_stays_usable(
    dovecot: Dovecot, issuer: AuthorizationServer, seconds: float, owner: str
) -> None:
    imap = Imap(server(dovecot))
    with pytest.raises(TokenRefused) as caught:
        imap.log_in_with_token(NORA, token(issuer, owner, seconds))

    assert "token-of" not in str(caught.value) + caught.value.server_text
    assert "AUTHENTICATIONFAILED" in caught.value.server_text
    imap.log_in_with_token(NORA, token(issuer, NORA))  # the exchange before came to its proper end
    imap.close()
