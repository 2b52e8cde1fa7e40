"""Codes, tokens, rotation and reuse, the end of grants, and who a token belongs to."""

import base64
import hashlib
import hmac
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.salesforce.stand_in.oauth import challenge_of
from tests.integrations.salesforce.stand_in.caller import ADA, BEN, VERSION, Caller, error
from tests.integrations.salesforce.stand_in.test_authorize import authorize_url
from tests.stand_in_fixtures import CALLBACK, TestedStandIn

VERIFIER = "v" * 43
EXPIRED = {"error": "invalid_grant", "error_description": "expired access/refresh token"}


def new_code(stand_in: TestedStandIn, email: str = ADA) -> str:
    callback = stand_in.log_in(authorize_url(stand_in, code_challenge=challenge_of(VERIFIER)), email)
    return parse_qs(urlsplit(callback).query)["code"][0]


def post(stand_in: TestedStandIn, name: str, *, host: str | None = None, **form: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{host or stand_in.login_url}/services/oauth2/{name}", form, timeout=10)


def app(stand_in: TestedStandIn) -> dict[str, str]:
    return {"client_id": stand_in.client_id, "client_secret": stand_in.client_secret}


def exchange(stand_in: TestedStandIn, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        **app(stand_in),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    return post(stand_in, "token", **form)


def refresh(stand_in: TestedStandIn, token: str, **changes: str) -> requests.Response:
    return post(
        stand_in, "token", **{"grant_type": "refresh_token", "refresh_token": token, **app(stand_in), **changes}
    )


def is_good(stand_in: TestedStandIn, access_token: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            stand_in.instance_url + VERSION + "/limits",
            headers={"Authorization": "Bearer " + access_token},
            verify=stand_in.ca_bundle,
            timeout=10,
        )
    return answer.status_code != 401


# -- the code


def test_a_code_becomes_tokens(stand_in: TestedStandIn) -> None:
    answer = exchange(stand_in, code=new_code(stand_in))
    tokens = answer.json()

    ada = stand_in.org.user(ADA)["Id"]
    assert answer.status_code == 200
    assert {key: tokens[key] for key in ("id", "instance_url", "scope", "token_type")} == {
        "id": f"{stand_in.login_url}/id/{stand_in.org.id}/{ada}",
        "instance_url": stand_in.instance_url,
        "scope": "api refresh_token openid",
        "token_type": "Bearer",
    }
    assert re.fullmatch(r"00D\w{12}![\w-]{80}", tokens["access_token"])
    assert re.fullmatch(r"\d{13}", tokens["issued_at"])
    signed = hmac.new(stand_in.client_secret.encode(), (tokens["id"] + tokens["issued_at"]).encode(), hashlib.sha256)
    assert tokens["signature"] == base64.b64encode(signed.digest()).decode()
    assert tokens.keys() == {
        "access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at", "refresh_token",
    }  # fmt: skip


def test_a_code_is_good_once(stand_in: TestedStandIn) -> None:
    code = new_code(stand_in)

    assert exchange(stand_in, code=code).status_code == 200
    assert exchange(stand_in, code=code).json() == {
        "error": "invalid_grant",
        "error_description": "expired authorization code",
    }


def test_a_code_is_good_for_15_minutes(stand_in: TestedStandIn) -> None:
    code = new_code(stand_in)
    stand_in.org.set_clock_offset(15 * 60 + 1)

    assert exchange(stand_in, code=code).json()["error_description"] == "expired authorization code"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"code_verifier": "w" * 43}, ("invalid_grant", "invalid code verifier")),
        ({"code_verifier": ""}, ("invalid_grant", "invalid code verifier")),
        ({"redirect_uri": CALLBACK.replace("production", "sandbox")}, ("redirect_uri_mismatch", None)),
        ({"client_secret": "wrong"}, ("invalid_client", "invalid client credentials")),
        ({"client_id": "wrong"}, ("invalid_client_id", "client identifier invalid")),
        ({"grant_type": "password"}, ("unsupported_grant_type", "grant type not supported")),
        ({"code": "aPrxwrong"}, ("invalid_grant", "expired authorization code")),
    ],
)
def test_wrong_exchanges_are_refused(stand_in: TestedStandIn, change: dict, refusal: tuple) -> None:
    answer = exchange(stand_in, **{"code": new_code(stand_in), **change})

    assert answer.status_code == 400
    assert answer.json()["error"] == refusal[0]
    assert refusal[1] in (None, answer.json()["error_description"])
    assert stand_in.oauth.grants == []


def test_a_code_is_good_at_its_own_host_only(stand_in: TestedStandIn) -> None:
    form = {"grant_type": "authorization_code", **app(stand_in), "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    answer = post(stand_in, "token", host=stand_in.sandbox_login_url, code=new_code(stand_in), **form)

    assert answer.json()["error_description"] == "expired authorization code"


def test_without_the_scope_there_is_no_refresh_token(stand_in: TestedStandIn) -> None:
    assert "refresh_token" not in stand_in.connect(ADA, scope="api openid")


def test_the_scope_api_is_needed_for_the_api(stand_in: TestedStandIn) -> None:
    tokens = stand_in.connect(ADA, scope="refresh_token openid")
    with requests.Session() as session:
        session.trust_env, session.verify = False, stand_in.ca_bundle
        session.headers["Authorization"] = "Bearer " + tokens["access_token"]
        answer = session.get(stand_in.instance_url + VERSION + "/limits", timeout=10)

    assert answer.status_code == 403
    assert answer.json() == error("INVALID_SESSION_ID", "This session is not valid for use with the REST API")


# -- refresh


def test_a_refresh_rotates(stand_in: TestedStandIn) -> None:
    first = stand_in.connect(ADA)
    second = refresh(stand_in, first["refresh_token"]).json()
    third = refresh(stand_in, second["refresh_token"]).json()

    refresh_tokens = {each["refresh_token"] for each in (first, second, third)}
    access_tokens = [each["access_token"] for each in (first, second, third)]
    assert (len(refresh_tokens), len(set(access_tokens))) == (3, 3)
    assert [is_good(stand_in, token) for token in access_tokens] == [True, True, True]
    grant = stand_in.oauth.grants[0]
    assert (grant.refreshes, grant.reuses, sorted(grant.presented.values())) == (2, 0, [1, 1])


def test_an_old_token_ends_the_whole_grant(stand_in: TestedStandIn) -> None:
    first = stand_in.connect(ADA)
    second = refresh(stand_in, first["refresh_token"]).json()

    reuse = refresh(stand_in, first["refresh_token"])

    assert (reuse.status_code, reuse.json()) == (400, EXPIRED)
    assert refresh(stand_in, second["refresh_token"]).json() == EXPIRED
    assert [is_good(stand_in, each["access_token"]) for each in (first, second)] == [False, False]
    assert stand_in.oauth.counts == {"token": 4, "exchange": 1, "refresh": 3, "reuse": 1}
    assert stand_in.oauth.grants[0].reuses == 1


def test_without_rotation_the_token_stays(stand_in: TestedStandIn) -> None:
    stand_in.oauth.rotates = False
    token = stand_in.connect(ADA)["refresh_token"]

    answers = [refresh(stand_in, token).json() for _ in range(2)]

    assert ["refresh_token" in each for each in answers] == [False, False]
    assert stand_in.oauth.grants[0].reuses == 0


def test_another_secret_or_host_refreshes_nothing(stand_in: TestedStandIn) -> None:
    token = stand_in.connect(ADA)["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, **app(stand_in)}

    assert refresh(stand_in, token, client_secret="wrong").json()["error"] == "invalid_client"
    assert post(stand_in, "token", host=stand_in.sandbox_login_url, **form).json() == EXPIRED
    assert refresh(stand_in, token).status_code == 200


@pytest.mark.parametrize(
    ("deed", "description"),
    [
        (lambda org: org.deactivate_user(ADA), "inactive user"),
        (lambda org: org.deactivate_org(), "inactive organization"),
        (lambda org: org.block_ip(), "ip restricted"),
    ],
)
def test_a_refresh_tells_why_it_is_refused(stand_in: TestedStandIn, deed, description: str) -> None:
    token = stand_in.connect(ADA)["refresh_token"]
    deed(stand_in.org)

    assert refresh(stand_in, token).json() == {"error": "invalid_grant", "error_description": description}


def test_an_idle_grant_dies(stand_in: TestedStandIn) -> None:
    stand_in.org.idle_seconds = 30 * 86_400
    token = stand_in.connect(ADA)["refresh_token"]
    stand_in.org.set_clock_offset(20 * 86_400)
    token = refresh(stand_in, token).json()["refresh_token"]
    stand_in.org.set_clock_offset(49 * 86_400)
    token = refresh(stand_in, token).json()["refresh_token"]
    stand_in.org.set_clock_offset(80 * 86_400)

    assert refresh(stand_in, token).json() == EXPIRED


# -- sessions


def test_access_tokens_run_out(stand_in: TestedStandIn) -> None:
    stand_in.org.set_session_seconds(600)
    token = stand_in.connect(ADA)["access_token"]

    assert is_good(stand_in, token)
    stand_in.org.set_clock_offset(601)
    assert not is_good(stand_in, token)


def test_sessions_end_with_their_user_and_org(stand_in: TestedStandIn) -> None:
    ada, ben = stand_in.connect(ADA)["access_token"], stand_in.connect(BEN)["access_token"]

    stand_in.org.deactivate_user(ADA)
    assert [is_good(stand_in, ada), is_good(stand_in, ben)] == [False, True]
    stand_in.org.deactivate_org()
    assert not is_good(stand_in, ben)


def test_all_sessions_can_be_ended(stand_in: TestedStandIn) -> None:
    tokens = stand_in.connect(ADA)
    stand_in.oauth.expire_access_tokens()

    assert not is_good(stand_in, tokens["access_token"])
    assert is_good(stand_in, refresh(stand_in, tokens["refresh_token"]).json()["access_token"])


# -- the end


def test_a_user_has_five_grants(stand_in: TestedStandIn) -> None:
    tokens = [stand_in.connect(ADA) for _ in range(7)]
    stand_in.connect(BEN)

    assert [is_good(stand_in, each["access_token"]) for each in tokens] == [False] * 2 + [True] * 5
    assert refresh(stand_in, tokens[0]["refresh_token"]).json() == EXPIRED
    assert (len(stand_in.oauth.live_grants(ADA)), len(stand_in.oauth.live_grants(BEN))) == (5, 1)


def test_revoking_a_refresh_token_ends_the_grant(stand_in: TestedStandIn) -> None:
    tokens, others = stand_in.connect(ADA), stand_in.connect(ADA)
    answer = post(stand_in, "revoke", token=tokens["refresh_token"])

    assert (answer.status_code, answer.content) == (200, b"")
    assert [is_good(stand_in, each["access_token"]) for each in (tokens, others)] == [False, True]
    again = post(stand_in, "revoke", token=tokens["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


def test_revoking_an_access_token_ends_the_session(stand_in: TestedStandIn) -> None:
    tokens = stand_in.connect(ADA)
    post(stand_in, "revoke", token=tokens["access_token"])

    assert not is_good(stand_in, tokens["access_token"])
    assert refresh(stand_in, tokens["refresh_token"]).status_code == 200


def test_an_admin_can_revoke(stand_in: TestedStandIn) -> None:
    tokens = stand_in.connect(ADA)

    assert stand_in.oauth.revoke_user(ADA) == 1
    assert refresh(stand_in, tokens["refresh_token"]).json() == EXPIRED
    assert stand_in.oauth.grants[0].ended_by == "revoked in Salesforce"


# -- whose is it


def test_introspection(stand_in: TestedStandIn) -> None:
    tokens = stand_in.connect(ADA)
    answers = [
        post(stand_in, "introspect", token=token, **app(stand_in)).json()
        for token in (tokens["access_token"], tokens["refresh_token"], "unknown")
    ]

    assert [answer["active"] for answer in answers] == [True, True, False]
    assert {key: answers[0][key] for key in ("scope", "client_id", "username", "sub", "token_type")} == {
        "scope": "api refresh_token openid",
        "client_id": stand_in.client_id,
        "username": ADA,
        "sub": tokens["id"],
        "token_type": "access_token",
    }
    assert answers[0]["exp"] - answers[0]["iat"] == 7200
    assert post(stand_in, "introspect", token=tokens["access_token"]).json()["error"] == "invalid_client_id"


def test_user_info_names_user_org_and_web_address(ada: Caller) -> None:
    info = ada.get("/services/oauth2/userinfo").json()

    org = ada.stand_in.org
    assert {key: info[key] for key in ("user_id", "organization_id", "preferred_username", "name", "email")} == {
        "user_id": ada.user_id,
        "organization_id": org.id,
        "preferred_username": ADA,
        "name": "Ada Lovelace",
        "email": ADA,
    }
    assert (info["zoneinfo"], info["locale"]) == ("Europe/London", "en_GB")
    assert info["urls"]["custom_domain"] == ada.stand_in.login_url
    assert info["urls"]["rest"] == ada.stand_in.instance_url + "/services/data/v{version}/"


def test_a_bad_token_has_no_user_info(ada: Caller) -> None:
    ada.session.headers["Authorization"] = "Bearer nonsense"
    answer = ada.get("/services/oauth2/userinfo")

    assert (answer.status_code, answer.text) == (403, "Bad_OAuth_Token")


def test_the_identity_url_is_for_its_own_token(ada: Caller, ben: Caller) -> None:
    header = {"Authorization": ada.session.headers["Authorization"]}
    own = requests.get(ada.tokens["id"], headers=header, timeout=10)
    other = requests.get(ben.tokens["id"], headers=header, timeout=10)

    assert (own.json()["user_id"], own.json()["timezone"]) == (ada.user_id, "Europe/London")
    assert (other.status_code, other.text) == (403, "Wrong_Org")


def test_token_endpoint_wants_post(stand_in: TestedStandIn) -> None:
    answer = requests.get(stand_in.login_url + "/services/oauth2/token", timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
