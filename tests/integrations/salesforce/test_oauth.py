"""Sign-in at Salesforce: against the stand-in over sockets, and against answers that nobody should believe."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.salesforce.errors import (
    AppBlocked,
    AppMisconfigured,
    AppNotApproved,
    ConsentDenied,
    HostNotAllowed,
    IpBlocked,
    OrgInactive,
    OutcomeUnknown,
    Revoked,
    SalesforceError,
    SessionExpired,
    SignInExpired,
    Transient,
    UnexpectedAnswer,
    UserInactive,
    error_from,
)
from integrations.salesforce.hosts import HostRule
from integrations.salesforce.http import SalesforceSession, open_session
from integrations.salesforce.oauth import (
    SCOPES,
    App,
    Grant,
    Identity,
    Pkce,
    authorize_url,
    exchange_code,
    fetch_identity,
    new_pkce,
    refresh,
    revoke,
)
from integrations.salesforce.stand_in import Fault
from tests.integrations.salesforce.hostile_urls import HOSTILE_URLS
from tests.integrations.salesforce.raw_server import RawServer, answer
from tests.integrations.salesforce.recorded import needs_recordings, read_recording
from tests.stand_in_fixtures import CALLBACK, TestedStandIn

ADA = "ada@touchline.example"
SECRET = "canary-client-secret"
TOKEN_PATH = "/services/oauth2/token"


@pytest.fixture
def app(stand_in: TestedStandIn) -> App:
    return App(stand_in.client_id, stand_in.client_secret)


@pytest.fixture
def sign_in(stand_in: TestedStandIn, app: App) -> Callable[..., tuple[dict[str, str], str]]:
    """Goes to the authorize page as a person; the callback's parameters and the verifier."""

    def go(email: str = ADA, *, allow: bool = True, **options: str) -> tuple[dict[str, str], str]:
        pkce = new_pkce()
        url = authorize_url(stand_in.login_url, app, CALLBACK, "a-state", pkce.challenge, **options)
        callback = stand_in.log_in(url, email, allow=allow)
        return {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}, pkce.verifier

    return go


@pytest.fixture
def grant(stand_in: TestedStandIn, app: App, salesforce_session: SalesforceSession, sign_in: Callable) -> Grant:
    """Ada's grant."""
    callback, verifier = sign_in()
    return exchange_code(salesforce_session, stand_in.login_url, app, CALLBACK, callback["code"], verifier)


# --- leaving for Salesforce


def test_verifiers_are_new_long_and_hashed_as_rfc_7636_says() -> None:
    pairs = [new_pkce() for _ in range(1_000)]

    assert len({pair.verifier for pair in pairs}) == 1_000
    for pair in pairs:
        assert re.fullmatch(r"[A-Za-z0-9._~-]{64}", pair.verifier)
        digest = hashlib.sha256(pair.verifier.encode("ascii")).digest()
        assert pair.challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_the_authorize_url() -> None:
    url = authorize_url(
        "https://login.salesforce.com",
        App("key", SECRET),
        "https://touchline.example/integrations/salesforce/callback/production/",
        "st&te",
        "ch_al-lenge",
        prompt="login select_account",
        login_hint="ada@example.com",
    )

    assert url == (
        "https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=key"
        "&redirect_uri=https%3A%2F%2Ftouchline.example%2Fintegrations%2Fsalesforce%2Fcallback%2Fproduction%2F"
        "&scope=api+refresh_token+openid&state=st%26te&code_challenge=ch_al-lenge&code_challenge_method=S256"
        "&prompt=login+select_account&login_hint=ada%40example.com"
    )


def test_exactly_three_scopes_are_asked_for() -> None:
    assert SCOPES.split() == ["api", "refresh_token", "openid"]


def test_a_plain_sign_in_has_no_prompt() -> None:
    url = authorize_url("https://login.salesforce.com", App("key", SECRET), "https://t.example/", "s", "c")

    assert "prompt" not in url
    assert "login_hint" not in url


def test_denying_comes_back_as_consent_denied(sign_in: Callable) -> None:
    callback, _ = sign_in(allow=False)

    assert callback["state"] == "a-state"
    error = error_from(callback["error"], callback["error_description"], source="oauth")
    assert type(error) is ConsentDenied


# --- the token answer


def test_a_code_becomes_a_grant(stand_in: TestedStandIn, grant: Grant) -> None:
    assert grant.instance_url == stand_in.instance_url
    assert (grant.org_id, grant.user_id) == (stand_in.org.id, stand_in.org.user(ADA)["Id"])
    assert grant.scopes == {"api", "refresh_token", "openid"}
    assert grant.allows_api
    assert abs(grant.issued_at - datetime.now(UTC)) < timedelta(minutes=1)
    live = stand_in.oauth.live_grants(ADA)
    assert [each.refresh_token for each in live] == [grant.refresh_token]


def test_who_signed_in(stand_in: TestedStandIn, grant: Grant, salesforce_session: SalesforceSession) -> None:
    identity = fetch_identity(salesforce_session, grant.instance_url, grant.access_token)

    assert identity == Identity(
        org_id=stand_in.org.id,
        user_id=stand_in.org.user(ADA)["Id"],
        username="ada@touchline.example",
        name="Ada Lovelace",
        email="ada@touchline.example",
        time_zone=stand_in.org.user(ADA)["TimeZoneSidKey"],
        locale=stand_in.org.user(ADA)["LocaleSidKey"],
        web_url=stand_in.web_url,
    )


def test_refreshing_rotates_and_using_the_old_token_ends_everything(
    stand_in: TestedStandIn, app: App, grant: Grant, salesforce_session: SalesforceSession
) -> None:
    second = refresh(salesforce_session, stand_in.login_url, app, grant.refresh_token)

    assert (second.org_id, second.user_id) == (grant.org_id, grant.user_id)
    assert second.access_token != grant.access_token
    assert second.refresh_token not in (None, grant.refresh_token)
    with pytest.raises(Revoked):
        refresh(salesforce_session, stand_in.login_url, app, grant.refresh_token)
    with pytest.raises(Revoked):
        refresh(salesforce_session, stand_in.login_url, app, second.refresh_token)
    with pytest.raises(SessionExpired):
        fetch_identity(salesforce_session, second.instance_url, second.access_token)


def test_refreshing_without_rotation_brings_no_refresh_token(
    stand_in: TestedStandIn, app: App, grant: Grant, salesforce_session: SalesforceSession
) -> None:
    stand_in.oauth.rotates = False

    assert refresh(salesforce_session, stand_in.login_url, app, grant.refresh_token).refresh_token is None


def test_an_org_that_moved_says_so_at_the_refresh(
    stand_in: TestedStandIn, app: App, grant: Grant, salesforce_session: SalesforceSession
) -> None:
    moved = stand_in.move_instance()
    rule = HostRule(frozenset(stand_in.extra_hosts))

    with pytest.raises(HostNotAllowed):
        refresh(salesforce_session, stand_in.login_url, app, grant.refresh_token)
    again = stand_in.connect(ADA)
    with open_session(rule, ca_bundle=stand_in.ca_bundle) as session:
        assert refresh(session, stand_in.login_url, app, again["refresh_token"]).instance_url == moved


def test_a_code_works_once(
    stand_in: TestedStandIn, app: App, salesforce_session: SalesforceSession, sign_in: Callable
) -> None:
    callback, verifier = sign_in()
    exchange_code(salesforce_session, stand_in.login_url, app, CALLBACK, callback["code"], verifier)

    with pytest.raises(SignInExpired):
        exchange_code(salesforce_session, stand_in.login_url, app, CALLBACK, callback["code"], verifier)


def test_a_code_needs_its_verifier_its_host_its_callback_and_the_secret(
    stand_in: TestedStandIn, app: App, salesforce_session: SalesforceSession, sign_in: Callable
) -> None:
    cases = [
        ({"verifier": new_pkce().verifier}, SignInExpired),
        ({"login_url": stand_in.sandbox_login_url}, SignInExpired),
        ({"redirect_uri": CALLBACK.replace("production", "sandbox")}, AppMisconfigured),
        ({"app": App(stand_in.client_id, "wrong")}, AppMisconfigured),
        ({"app": App("wrong", SECRET)}, AppMisconfigured),
    ]
    for change, expected in cases:
        callback, verifier = sign_in()
        values = {"login_url": stand_in.login_url, "app": app, "redirect_uri": CALLBACK, "verifier": verifier}
        with pytest.raises(SalesforceError) as caught:
            exchange_code(salesforce_session, code=callback["code"], **(values | change))
        assert type(caught.value) is expected, change


def test_what_an_admin_can_do_to_a_grant(
    stand_in: TestedStandIn, app: App, grant: Grant, salesforce_session: SalesforceSession
) -> None:
    org = stand_in.org
    cases = [
        (lambda: org.block_ip(), lambda: org.block_ip(False), IpBlocked),
        (lambda: org.deactivate_user(ADA), lambda: org.deactivate_user(ADA, active=True), UserInactive),
        (lambda: org.deactivate_org(), lambda: org.deactivate_org(active=True), OrgInactive),
        (lambda: stand_in.oauth.revoke_user(ADA), lambda: None, Revoked),
    ]
    for happen, undo, expected in cases:
        happen()
        with pytest.raises(SalesforceError) as caught:
            refresh(salesforce_session, stand_in.login_url, app, grant.refresh_token)
        undo()
        assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", AppBlocked),
        ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app", AppNotApproved),
        ("invalid_grant", "expired access/refresh token", Revoked),
        ("unknown_error", "retry your request", OutcomeUnknown),
    ],
)
def test_errors_of_the_token_endpoint(
    stand_in: TestedStandIn,
    app: App,
    grant: Grant,
    salesforce_session: SalesforceSession,
    code: str,
    message: str,
    expected: type,
) -> None:
    stand_in.faults.add(Fault("oauth_error", path=TOKEN_PATH, code=code, message=message))

    with pytest.raises(SalesforceError) as caught:
        refresh(salesforce_session, stand_in.login_url, app, grant.refresh_token)
    assert type(caught.value) is expected


@pytest.mark.parametrize("kind", ["drop", "process_then_drop", "html", "process_then_garbage", "empty"])
def test_a_lost_token_answer_is_an_unknown_outcome(
    stand_in: TestedStandIn, app: App, grant: Grant, salesforce_session: SalesforceSession, kind: str
) -> None:
    stand_in.faults.add(Fault(kind, path=TOKEN_PATH))

    with pytest.raises(SalesforceError) as caught:
        refresh(salesforce_session, stand_in.login_url, app, grant.refresh_token)
    assert type(caught.value) is OutcomeUnknown


def test_a_lost_sign_in_is_told_as_one(
    stand_in: TestedStandIn, app: App, salesforce_session: SalesforceSession, sign_in: Callable
) -> None:
    callback, verifier = sign_in()
    stand_in.faults.add(Fault("process_then_drop", path=TOKEN_PATH))

    with pytest.raises(OutcomeUnknown) as caught:
        exchange_code(salesforce_session, stand_in.login_url, app, CALLBACK, callback["code"], verifier)
    assert caught.value.user_message == "Salesforce did not answer in time. Connect to Salesforce once more."


def test_a_token_host_that_is_away_loses_nothing(app: App, grant: Grant) -> None:
    with RawServer([b""]) as server:
        gone = server.host
    with open_session(HostRule(frozenset({gone}))) as session, pytest.raises(SalesforceError) as caught:
        refresh(session, f"http://{gone}", app, grant.refresh_token)

    assert type(caught.value) is Transient


# --- the end of a grant


def test_revoking_ends_the_grant_and_can_be_repeated(
    stand_in: TestedStandIn, grant: Grant, salesforce_session: SalesforceSession
) -> None:
    revoke(salesforce_session, stand_in.login_url, grant.refresh_token)
    revoke(salesforce_session, stand_in.login_url, grant.refresh_token)

    assert stand_in.oauth.live_grants() == []
    with pytest.raises(SessionExpired):
        fetch_identity(salesforce_session, grant.instance_url, grant.access_token)


@pytest.mark.parametrize("code", ["invalid_token", "unsupported_token_type"])
def test_a_token_that_is_dead_already_counts_as_revoked(
    stand_in: TestedStandIn, salesforce_session: SalesforceSession, code: str
) -> None:
    stand_in.faults.add(Fault("oauth_error", path="/revoke", code=code, message=""))

    revoke(salesforce_session, stand_in.login_url, "any")


@pytest.mark.parametrize("kind", ["drop", "html"])
def test_a_revocation_that_is_not_confirmed_is_to_be_repeated(
    stand_in: TestedStandIn, grant: Grant, salesforce_session: SalesforceSession, kind: str
) -> None:
    stand_in.faults.add(Fault(kind, path="/revoke"))

    with pytest.raises(SalesforceError) as caught:
        revoke(salesforce_session, stand_in.login_url, grant.refresh_token)
    assert type(caught.value) is Transient


# --- answers that must not be believed

GOOD = {
    "access_token": "00D!canary-access",
    "refresh_token": "canary-refresh",
    "instance_url": "https://acme.my.salesforce.com",
    "id": "https://login.salesforce.com/id/00Dx0000000BV7z/005x00000012Q9P",
    "issued_at": "1278448832702",
    "scope": "api openid refresh_token",
    "token_type": "Bearer",
}


def sign(values: dict[str, object], secret: str = SECRET) -> dict[str, object]:
    """The answer with the signature that its `id` and `issued_at` ask for."""
    signed = f"{values.get('id', '')}{values.get('issued_at', '')}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return values | {"signature": base64.b64encode(digest).decode()}


def exchange_with(body: object, unverified: list[str] | None = None) -> Grant:
    """What exchange_code makes of a token answer; a token that it gives back goes into the list."""
    text = body if isinstance(body, str) else json.dumps(body)
    with RawServer([answer(200, text)]) as server, open_session(HostRule(frozenset({server.host}))) as session:
        return exchange_code(
            session,
            server.url,
            App("key", SECRET),
            "https://t.example/",
            "code",
            "verifier",
            on_unverified=None if unverified is None else unverified.append,
        )


def test_a_signed_answer_is_believed() -> None:
    assert exchange_with(sign(GOOD)) == Grant(
        access_token="00D!canary-access",
        refresh_token="canary-refresh",
        instance_url="https://acme.my.salesforce.com",
        org_id="00Dx0000000BV7zEAG",
        user_id="005x00000012Q9PAAU",
        scopes=frozenset({"api", "openid", "refresh_token"}),
        issued_at=datetime(2010, 7, 6, 20, 40, 32, 702_000, tzinfo=UTC),
    )


def test_old_answers_without_scope_and_type_are_believed_too() -> None:
    old = {name: value for name, value in GOOD.items() if name not in ("scope", "token_type", "refresh_token")}
    grant = exchange_with(sign(old))

    assert (grant.scopes, grant.refresh_token, grant.allows_api) == (frozenset(), None, True)


def test_a_grant_without_the_api_says_so() -> None:
    assert not exchange_with(sign(GOOD | {"scope": "openid"})).allows_api
    assert exchange_with(sign(GOOD | {"scope": "full"})).allows_api


FORGED = {
    "no signature": (GOOD, "signature_mismatch"),
    "empty signature": (GOOD | {"signature": ""}, "signature_mismatch"),
    "signature of another secret": (sign(GOOD, "other"), "signature_mismatch"),
    "another user under the same signature": (
        sign(GOOD) | {"id": "https://login.salesforce.com/id/00Dx0000000BV7z/005x00000012Q9Q"},
        "signature_mismatch",
    ),
    "another time under the same signature": (sign(GOOD) | {"issued_at": "1278448832703"}, "signature_mismatch"),
    "signature that is no text": (GOOD | {"signature": ["x"]}, "signature_mismatch"),
    "signature that is no letters": (GOOD | {"signature": "\ud800é"}, "signature_mismatch"),
    "id without a path": (sign(GOOD | {"id": "https://login.salesforce.com"}), "id_url_malformed"),
    "id with more": (sign(GOOD | {"id": GOOD["id"] + "/x"}), "id_url_malformed"),
    "id of an account": (sign(GOOD | {"id": GOOD["id"].replace("/005", "/001")}), "id_url_malformed"),
    "id with wrong check letters": (sign(GOOD | {"id": GOOD["id"] + "AAA"}), "id_malformed"),
    "id of 16 characters": (sign(GOOD | {"id": GOOD["id"] + "A"}), "id_malformed"),
    "no id": (sign({name: value for name, value in GOOD.items() if name != "id"}), "id_url_malformed"),
    "time that is none": (sign(GOOD | {"issued_at": "yesterday"}), "issued_at_malformed"),
    "time below zero": (sign(GOOD | {"issued_at": "-1"}), "issued_at_malformed"),
    "time without end": (sign(GOOD | {"issued_at": "9" * 30}), "issued_at_malformed"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_answer_is_refused_and_its_token_given_back_to_be_revoked(name: str) -> None:
    body, code = FORGED[name]
    unverified: list[str] = []
    with pytest.raises(UnexpectedAnswer) as caught:
        exchange_with(body, unverified)

    assert str(caught.value) == f"UnexpectedAnswer({code})"
    assert unverified == ["canary-refresh"]


def test_without_a_refresh_token_the_access_token_is_given_back() -> None:
    unverified: list[str] = []
    with pytest.raises(UnexpectedAnswer):
        exchange_with({"access_token": "00D!canary-access"}, unverified)

    assert unverified == ["00D!canary-access"]


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", "[1]", '{"access_token":null}', '{"access_token":5}'])
def test_an_answer_without_a_token_may_have_lost_one(body: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        exchange_with(body)

    assert str(caught.value) == "OutcomeUnknown(unreadable_answer)"


@pytest.mark.parametrize("url", [*HOSTILE_URLS, "https://login.salesforce.com", None, 5])
def test_no_hostile_instance_becomes_a_grant(url: str) -> None:
    with pytest.raises(HostNotAllowed):
        exchange_with(sign(GOOD | {"instance_url": url}))


@pytest.mark.parametrize("host", ["evil.example", "acme.my.salesforce.com.evil.example", "127.0.0.1", "a@b"])
def test_an_id_of_another_host_is_refused(host: str) -> None:
    with pytest.raises(HostNotAllowed):
        exchange_with(sign(GOOD | {"id": GOOD["id"].replace("login.salesforce.com", host)}))


def test_the_id_url_is_never_fetched() -> None:
    with RawServer([answer(200, "{}")]) as other, RawServer([answer(200, "")]) as server:
        body = sign(GOOD | {"id": GOOD["id"].replace("https://login.salesforce.com", other.url)})
        server.scripts = ([answer(200, json.dumps(body))],)
        with open_session(HostRule(frozenset({server.host, other.host}))) as session:
            exchange_code(session, server.url, App("key", SECRET), "https://t.example/", "code", "verifier")

        assert other.connections == 0


@needs_recordings
def test_the_recorded_answer_is_read_as_far_as_its_masked_signature_allows() -> None:
    recording = read_recording("oauth/token-success.json")
    modern = {"instance_url": "https://acme.my.salesforce.com"}  # na1 is a host of 2010

    assert exchange_with(sign(recording | modern)).org_id == "00Dx0000000BV7zEAG"
    with pytest.raises(HostNotAllowed):
        exchange_with(sign(recording))


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_no_secret_leaves_for_a_hostile_login_host(url: str) -> None:
    with open_session(HostRule()) as session:
        for call in (
            lambda: exchange_code(session, url, App("key", SECRET), "https://t.example/", "code", "verifier"),
            lambda: refresh(session, url, App("key", SECRET), "token"),
            lambda: revoke(session, url, "token"),
            lambda: fetch_identity(session, url, "token"),
        ):
            with pytest.raises(HostNotAllowed):
                call()


IDENTITY = {
    "organization_id": "00Dx0000000BV7z",
    "user_id": "005x00000012Q9P",
    "preferred_username": "ada@touchline.example",
    "name": "Ada",
    "email": "ada@touchline.example",
    "zoneinfo": "Europe/London",
    "locale": "en_GB",
    "urls": {"custom_domain": "https://acme.my.salesforce.com"},
}


def identity_from(body: object) -> Identity:
    script = [answer(200, json.dumps(body))]
    with RawServer(script) as server, open_session(HostRule(frozenset({server.host}))) as session:
        return fetch_identity(session, server.url, "t0ken")


def test_an_identity_has_long_ids_and_a_checked_web_address() -> None:
    assert identity_from(IDENTITY) == Identity(
        org_id="00Dx0000000BV7zEAG",
        user_id="005x00000012Q9PAAU",
        username="ada@touchline.example",
        name="Ada",
        email="ada@touchline.example",
        time_zone="Europe/London",
        locale="en_GB",
        web_url="https://acme.my.salesforce.com",
    )


def test_without_a_custom_domain_links_lead_to_the_instance() -> None:
    assert identity_from(IDENTITY | {"urls": {}}).web_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_no_hostile_web_address_is_taken(url: str) -> None:
    if url == "":
        return  # the same as none
    with pytest.raises(HostNotAllowed):
        identity_from(IDENTITY | {"urls": {"custom_domain": url}})


@pytest.mark.parametrize("change", [{"urls": None}, {"user_id": None}, {"organization_id": "x"}, {"user_id": 5}])
def test_an_incomplete_identity_is_refused(change: dict) -> None:
    with pytest.raises(UnexpectedAnswer):
        identity_from(IDENTITY | change)


@pytest.mark.parametrize("body", [[], None, "x"])
def test_an_identity_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        identity_from(body)


def test_nothing_secret_shows() -> None:
    shown = f"{App('key', SECRET)!r} {exchange_with(sign(GOOD))!r} {Pkce('canary-verifier', 'c')!r}"

    assert "canary" not in shown
    assert "App(client_id='key')" in shown
