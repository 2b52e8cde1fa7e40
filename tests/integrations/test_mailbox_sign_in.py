"""Connecting a mailbox by signing in at its provider: a real authorization server over TLS, and a real mail server
that asks it about every token.
"""

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from integrations import mailbox_grants, mailbox_sign_in, mailbox_tokens, mailboxes
from integrations.mailbox.errors import SignInRefused, SignInUnavailable
from integrations.mailbox_log_ins import open_mailbox
from integrations.models import Mailbox, MailboxGrant, MailboxSignIn
from tests.authorization_server import SCOPES, AuthorizationServer, id_token
from tests.mailbox_fixtures import PASSWORD, Dovecot, needs_dovecot
from tests.people import log_in
from workspaces import members
from workspaces.models import Membership, User

pytestmark = [needs_dovecot, pytest.mark.django_db(transaction=True)]
PAGE = "/w/acme/settings/integrations/"
CONNECT = f"{PAGE}mailbox/"
BEN = "ben@acme.example"


@pytest.fixture
def browser(ben: User, issuer: AuthorizationServer) -> Client:
    return log_in(ben)


def leave(browser: Client, provider: str = "google", address: str = BEN, **changes: str) -> str:
    """Press the button; return the address that the page goes on to."""
    form = {"address": address, "provider": provider, "aliases": ""} | changes
    begun = browser.post(f"{CONNECT}sign-in/", form)
    page = browser.get(begun.url).content.decode()
    link = re.search(r'id="to-provider" href="([^"]+)"', page)
    assert link, page
    assert f'content="0; url={link[1]}"' in page
    return unescape(link[1])


def come_back(browser: Client, callback: str) -> str:
    """The page where the callback leads."""
    return browser.get(callback, follow=True).content.decode()


def connect(browser: Client, issuer: AuthorizationServer, provider: str = "google", email: str = BEN, **form) -> str:
    return come_back(browser, issuer.sign_in(leave(browser, provider, **form), email))


# --- The way ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["google", "microsoft"])
def test_a_mailbox_is_connected_by_signing_in(
    browser: Client, issuer: AuthorizationServer, ben_member: Membership, provider: str
) -> None:
    page = connect(browser, issuer, provider, aliases="sales@acme.example")

    mailbox = Mailbox.objects.with_secrets().get()
    grant = MailboxGrant.objects.get()
    assert "ben@acme.example is connected." in page
    assert (mailbox.membership, mailbox.address, mailbox.aliases, mailbox.auth, mailbox.state) == (
        ben_member, BEN, ["sales@acme.example"], provider, "connected",
    )  # fmt: skip
    assert mailbox.password_sealed == ""
    assert sorted(mailbox.folders.values_list("name", "role")) == [("INBOX", "received"), (Dovecot.SENT, "sent")]
    assert (grant.mailbox, grant.provider, grant.account, grant.revoke_at) == (mailbox, provider, BEN, None)
    assert "canary" not in grant.access_token_sealed + grant.refresh_token_sealed
    assert ben_member.member_settings.sync_all_messages is True
    assert issuer.asked == [(provider, "authorize", ""), (provider, "token", "authorization_code")]


def test_the_link_says_what_the_rules_want(browser: Client, issuer: AuthorizationServer) -> None:
    google = urlsplit(leave(browser))
    query = {name: values[0] for name, values in parse_qs(google.query).items()}
    trip = MailboxSignIn.objects.get()

    assert f"{google.scheme}://{google.netloc}{google.path}" == f"{issuer.base_url}/google/authorize"
    assert {name: query[name] for name in query if name not in ("state", "code_challenge")} == {
        "response_type": "code",
        "client_id": "touchline-mail-client",
        "redirect_uri": "http://testserver/integrations/mailbox/callback/google/",
        "scope": SCOPES["google"],
        "code_challenge_method": "S256",
        "login_hint": BEN,
        "access_type": "offline",
        "prompt": "consent",
    }
    assert re.fullmatch(r"[0-9a-f]{64}", query["state"])
    assert re.fullmatch(r"[\w-]{43}", query["code_challenge"])
    assert query["state"] not in trip.state_digest
    assert "/microsoft/" in parse_qs(urlsplit(leave(browser, "microsoft")).query)["redirect_uri"][0]


def test_buttons_are_offered_where_the_operator_registered(browser: Client, settings) -> None:
    def offered(address: str) -> list[str]:
        return re.findall(r"Continue with (\w+)", browser.get(CONNECT, {"address": address}).content.decode())

    assert [offered(each) for each in ("x@gmail.com", "x@outlook.com", "x@icloud.com", BEN)] == [
        ["Google"], ["Microsoft"], [], ["Google", "Microsoft"],
    ]  # fmt: skip
    settings.MAILBOX_GOOGLE_CLIENT_SECRET = ""
    assert [offered(each) for each in ("x@gmail.com", BEN)] == [[], ["Microsoft"]]
    assert b"Google wants an app password" in browser.get(CONNECT, {"address": "x@gmail.com"}).content
    refused = browser.post(f"{CONNECT}sign-in/", {"address": BEN, "provider": "google", "aliases": ""}, follow=True)
    assert b"Signing in there is not set up on this Touchline." in refused.content
    assert not MailboxSignIn.objects.exists()


def test_a_mailbox_changes_from_password_to_sign_in_and_back(
    browser: Client, issuer: AuthorizationServer, dovecot: Dovecot
) -> None:
    form = {"address": BEN, "host": dovecot.extra_host, "password": PASSWORD, "user_name": "", "aliases": ""}
    browser.post(CONNECT, form)
    connect(browser, issuer)
    first = Mailbox.objects.with_secrets().get()
    browser.post(CONNECT, form)
    then = Mailbox.objects.with_secrets().get()

    assert (first.auth, first.password_sealed, then.pk, then.auth) == ("google", "", first.pk, "password")
    assert then.password_sealed
    assert not MailboxGrant.objects.exists()
    assert [grant.is_revoked for grant in issuer.grants] == [True]


# --- What is refused --------------------------------------------------------------------------------------


@pytest.fixture
def callback(browser: Client, issuer: AuthorizationServer) -> str:
    """Where Ben's browser is to be sent back to."""
    return issuer.sign_in(leave(browser), BEN)


@pytest.fixture(autouse=True)
def no_token_is_asked_for_twice(issuer: AuthorizationServer):
    """Whatever a test does: a code is redeemed once at most."""
    yield
    assert issuer.token_requests("authorization_code") <= max(1, len(issuer.grants))


def refuse(browser: Client, issuer: AuthorizationServer, callback: str) -> str:
    before = issuer.token_requests()
    page = browser.get(callback, follow=True)
    assert issuer.token_requests() == before
    assert not Mailbox.objects.exists()
    return page.content.decode()


def test_refused_without_state(browser: Client, issuer: AuthorizationServer, callback: str) -> None:
    assert "This sign-in cannot be used" in refuse(browser, issuer, re.sub(r"&state=\w+", "", callback))


def test_refused_with_a_wrong_state(browser: Client, issuer: AuthorizationServer, callback: str) -> None:
    wrong = re.sub(r"(state=\w+)\w", lambda found: f"{found[1]}{'a' if found[0][-1] != 'a' else 'b'}", callback)
    assert "This sign-in cannot be used" in refuse(browser, issuer, wrong)


def test_used_twice_asks_for_no_token(browser: Client, issuer: AuthorizationServer, callback: str) -> None:
    come_back(browser, callback)
    come_back(browser, callback)

    assert issuer.token_requests() == 1
    assert Mailbox.objects.count() == 1


def test_refused_when_expired(browser: Client, issuer: AuthorizationServer, callback: str) -> None:
    MailboxSignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "It is good for 10 minutes." in refuse(browser, issuer, callback)
    assert mailbox_sign_in.expire() == 1
    assert MailboxSignIn.objects.get().verifier_sealed == ""


def test_refused_in_another_session_of_the_same_person(ben: User, issuer: AuthorizationServer, callback: str) -> None:
    assert "This sign-in cannot be used" in refuse(log_in(ben), issuer, callback)


def test_refused_for_another_person(
    ada_member: Membership, cleo_member: Membership, browser: Client, issuer: AuthorizationServer, callback: str
) -> None:
    for person in (ada_member.user, cleo_member.user):
        assert "This sign-in cannot be used" in refuse(log_in(person), issuer, callback)
    come_back(browser, callback)
    assert Mailbox.objects.count() == 1  # the others did not use it up


def test_refused_once_the_person_has_left_the_workspace(
    browser: Client, issuer: AuthorizationServer, callback: str, ben_member: Membership
) -> None:
    members.remove(ben_member, by=None)
    refuse(browser, issuer, callback)


def test_refused_at_the_callback_of_another_provider(
    browser: Client, issuer: AuthorizationServer, callback: str
) -> None:
    assert "This sign-in cannot be used" in refuse(browser, issuer, callback.replace("google", "microsoft"))


def test_the_page_that_leaves_belongs_to_its_session_and_workspace(
    browser: Client, ben: User, cleo_member: Membership
) -> None:
    leave(browser)
    uuid = MailboxSignIn.objects.get().uuid

    assert log_in(ben).get(f"{CONNECT}sign-in/{uuid}/").status_code == 404
    assert log_in(cleo_member.user).get(f"/w/globex/settings/integrations/mailbox/sign-in/{uuid}/").status_code == 404


def test_who_says_no_connects_nothing(browser: Client, issuer: AuthorizationServer) -> None:
    page = refuse(browser, issuer, issuer.sign_in(leave(browser), BEN, allow=False))

    assert "You did not let Touchline in at Google." in page
    assert MailboxSignIn.objects.get().verifier_sealed == ""


def test_another_account_is_refused_and_revoked(browser: Client, issuer: AuthorizationServer) -> None:
    page = connect(browser, issuer, email="eve@acme.example")

    assert "You signed in at Google as eve@acme.example, but the mailbox is ben@acme.example." in page
    assert not Mailbox.objects.exists()
    assert not MailboxGrant.objects.exists()
    assert [grant.is_revoked for grant in issuer.grants] == [True]


def test_another_account_is_not_revoked_where_it_opens_a_mailbox_of_its_own(
    browser: Client, issuer: AuthorizationServer, ada_member: Membership
) -> None:
    """At Google the end of one sign-in of an account is the end of all."""
    connect(log_in(ada_member.user), issuer, email="ada@acme.example", address="ada@acme.example")
    connect(browser, issuer, email="ada@acme.example")

    assert [grant.is_revoked for grant in issuer.grants] == [False, False]
    assert MailboxGrant.objects.get().mailbox.address == "ada@acme.example"


def test_a_mail_server_that_takes_no_token_connects_nothing(
    browser: Client, issuer: AuthorizationServer, callback: str
) -> None:
    issuer.lifetime = -1
    page = come_back(browser, callback)

    assert "The mail server does not let Touchline in although you signed in." in page
    assert not Mailbox.objects.exists()
    assert [grant.is_revoked for grant in issuer.grants] == [True]


def changed(**changes: object):
    return lambda body: body | changes


def claims(**changes: object):
    def answer(body: dict) -> dict:
        written = body["id_token"].split(".")[1]
        good = json.loads(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)))
        return body | {"id_token": id_token(good | changes)}

    return answer


UNCLEAR = "sent an answer that Touchline does not understand"
HOSTILE = {
    "no JSON": (lambda _: (200, {}, b"<html>"), "sign-in does not answer"),
    "a list": (lambda _: (200, {}, b"[]"), "sign-in does not answer"),
    "deep": (lambda _: (200, {}, b"[" * 100_000), "sign-in does not answer"),
    "huge": (lambda _: (200, {}, b'{"access_token": "' + b"a" * 2_000_000 + b'"}'), "sign-in does not answer"),
    "packed": (lambda _: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b" + b"0" * 99), "sign-in does not answer"),
    "elsewhere": (lambda _: (302, {"Location": "https://localhost:1/"}, b""), "sign-in does not answer"),
    "broken down": (lambda _: (503, {}, b'{"error": "invalid_grant"}'), "sign-in does not answer"),
    "busy": (lambda _: (429, {}, b'{"error": "slow_down"}'), "sign-in does not answer"),
    "refused": (lambda _: (400, {}, b'{"error": "invalid_grant"}'), "has ended Touchline&#x27;s access"),
    "our registration": (
        lambda _: (401, {}, b'{"error": "invalid_client"}'),
        "refuses this Touchline&#x27;s registr",
    ),
    "markup": (lambda _: (400, {}, b'{"error": "x", "error_description": "<b>"}'), "&lt;b&gt;"),
    "error of no kind": (lambda _: (400, {}, b'{"error": {"code": 1}}'), "sign-in does not answer"),
    "no token": (changed(access_token=None), UNCLEAR),
    "a number": (changed(access_token=7), UNCLEAR),
    "a line break": (changed(access_token="a\r\nA1 DELETE INBOX"), UNCLEAR),
    "a separator": (changed(access_token="a\x01auth=Bearer b"), UNCLEAR),
    "too long": (changed(access_token="a" * 16_001), UNCLEAR),
    "another kind": (changed(token_type="mac"), UNCLEAR),
    "no life": (changed(expires_in="soon"), UNCLEAR),
    "endless life": (changed(expires_in=10**30), UNCLEAR),
    "less access": (changed(scope="openid email"), "gave no access to mail"),
    "strange access": (changed(scope=["https://mail.google.com/"]), "gave no access to mail"),
    "no refresh token": (changed(refresh_token=None), "gave access for an hour only"),
    "strange refresh token": (changed(refresh_token="a\nb"), UNCLEAR),
    "nobody": (changed(id_token=None), UNCLEAR),
    "no id token": (changed(id_token="a.b"), UNCLEAR),
    "id token of nothing": (changed(id_token="a.%%%.c"), UNCLEAR),
    "id token of a list": (changed(id_token=id_token([])), UNCLEAR),
    "for another app": (claims(aud="other"), UNCLEAR),
    "for several apps": (claims(aud=["touchline-mail-client", "other"]), UNCLEAR),
    "by another": (claims(iss="https://evil.example"), UNCLEAR),
    "old": (claims(exp=1), UNCLEAR),
    "without end": (claims(exp=True), UNCLEAR),
    "no address": (claims(email=None), "did not say which address"),
    "strange address": (claims(email={"a@b": 1}), "did not say which address"),
    "not verified": (claims(email_verified=False), "has not verified the address"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_that_is_no_use_connects_nothing(
    browser: Client, issuer: AuthorizationServer, callback: str, name: str
) -> None:
    issuer.answer, sentence = HOSTILE[name]
    page = come_back(browser, callback)

    assert sentence in page
    assert "canary" not in page
    assert not Mailbox.objects.exists()
    assert not MailboxGrant.objects.exists()
    assert issuer.token_requests() == 1


# --- The life of a grant ----------------------------------------------------------------------------------


@pytest.fixture
def mailbox(browser: Client, issuer: AuthorizationServer) -> Mailbox:
    connect(browser, issuer)
    return Mailbox.objects.get()


def test_a_token_that_ran_out_is_refreshed_once(mailbox: Mailbox, issuer: AuthorizationServer) -> None:
    issuer.expire_access_tokens()
    MailboxGrant.objects.update(access_expires_at=timezone.now() + timedelta(minutes=1))
    for _ in range(3):
        open_mailbox(mailbox.pk).close()

    assert issuer.token_requests("refresh_token") == 1
    assert MailboxGrant.objects.get().version == 2


def test_a_token_that_the_server_does_not_take_is_replaced_once(
    mailbox: Mailbox, issuer: AuthorizationServer
) -> None:
    issuer.expire_access_tokens()
    open_mailbox(mailbox.pk).close()

    assert issuer.token_requests("refresh_token") == 1


def test_a_provider_that_keeps_its_refresh_token_is_refreshed_too(
    mailbox: Mailbox, issuer: AuthorizationServer
) -> None:
    issuer.rotates = False
    for version in (1, 2):
        mailbox_tokens.renew(mailbox.pk, version)

    assert (MailboxGrant.objects.get().version, len(issuer.grants[0].refresh_tokens)) == (3, 1)


def test_of_many_at_once_one_refreshes(mailbox: Mailbox, issuer: AuthorizationServer) -> None:
    """The server ends the grant where a spent refresh token comes again."""

    def renew(_: int) -> int:
        try:
            return mailbox_tokens.renew(mailbox.pk, 1).version
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(renew, range(8)))

    assert versions == [2] * 8
    assert issuer.token_requests("refresh_token") == 1


def test_who_died_while_refreshing_is_waited_for_no_longer_than_the_lease(
    mailbox: Mailbox, issuer: AuthorizationServer
) -> None:
    MailboxGrant.objects.update(refresh_until=timezone.now() - timedelta(seconds=1))
    assert mailbox_tokens.renew(mailbox.pk, 1).version == 2


@pytest.mark.parametrize("name", ["no JSON", "broken down", "our registration", "no token", "a line break"])
def test_a_refresh_that_fails_for_now_changes_nothing(
    mailbox: Mailbox, issuer: AuthorizationServer, name: str
) -> None:
    issuer.answer, _ = HOSTILE[name]
    issuer.rotates = False
    with pytest.raises(SignInUnavailable):
        mailbox_tokens.renew(mailbox.pk, 1)
    issuer.answer = None

    assert mailbox_tokens.renew(mailbox.pk, 1).version == 2


def test_a_refresh_that_is_refused_says_so(mailbox: Mailbox, issuer: AuthorizationServer) -> None:
    issuer.grants[0].is_revoked = True
    with pytest.raises(SignInRefused) as caught:
        open_mailbox(mailbox.pk)

    assert caught.value.server_text == "Token has been expired or revoked."
    assert issuer.token_requests("refresh_token") == 1


def test_disconnecting_ends_the_sign_in_at_the_provider(
    browser: Client, mailbox: Mailbox, issuer: AuthorizationServer
) -> None:
    browser.post(f"{CONNECT}disconnect/")

    assert Mailbox.objects.get().state == "disconnected"
    assert not MailboxGrant.objects.exists()
    assert [grant.is_revoked for grant in issuer.grants] == [True]


def test_a_provider_without_revocation_is_not_asked(browser: Client, issuer: AuthorizationServer) -> None:
    connect(browser, issuer, "microsoft")
    browser.post(f"{CONNECT}disconnect/")

    assert not MailboxGrant.objects.exists()
    assert [path for _, path, _ in issuer.asked] == ["authorize", "token"]


def test_a_revocation_that_fails_is_tried_again_later(
    mailbox: Mailbox, issuer: AuthorizationServer, settings
) -> None:
    url = settings.MAILBOX_GOOGLE_SIGN_IN_URL
    settings.MAILBOX_GOOGLE_SIGN_IN_URL = "https://localhost:1"
    mailboxes.disconnect(mailbox, by=None)
    settings.MAILBOX_GOOGLE_SIGN_IN_URL = url

    assert mailbox_grants.revoke_due() == 0  # not yet
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert mailbox_grants.revoke_due() == 1
    assert not MailboxGrant.objects.exists()
    assert [grant.is_revoked for grant in issuer.grants] == [True]


def test_a_grant_that_opened_nothing_does_not_outlive_a_crash(mailbox: Mailbox, issuer: AuthorizationServer) -> None:
    """As if the process had died between the token and the mailbox."""
    MailboxGrant.objects.update(mailbox=None, revoke_at=timezone.now() + mailbox_grants.UNUSED_FOR)
    assert mailbox_grants.revoke_due() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert mailbox_grants.revoke_due() == 1

    assert [grant.is_revoked for grant in issuer.grants] == [True]
