"""The authorize page: what the app must ask, what people see, and every way back."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.salesforce.stand_in import Fault
from integrations.salesforce.stand_in.oauth import challenge_of
from tests.integrations.salesforce.stand_in.caller import ADA, BEN
from tests.stand_in_fixtures import CALLBACK, TestedStandIn


def authorize_url(stand_in: TestedStandIn, **changes: str | None) -> str:
    query = {
        "response_type": "code",
        "client_id": stand_in.client_id,
        "redirect_uri": CALLBACK,
        "scope": "api refresh_token openid",
        "state": "a state&=",
        "code_challenge": challenge_of("v" * 43),
        "code_challenge_method": "S256",
    } | changes
    base = stand_in.login_url + "/services/oauth2/authorize"
    kept = {key: value for key, value in query.items() if value is not None}
    return requests.Request("GET", base, params=kept).prepare().url


def came_back_with(callback: str) -> dict[str, str]:
    assert callback.startswith(CALLBACK + "?")
    return {key: values[0] for key, values in parse_qs(urlsplit(callback).query).items()}


def test_allow_sends_back_a_code_and_the_state(stand_in: TestedStandIn) -> None:
    values = came_back_with(stand_in.log_in(authorize_url(stand_in), ADA))

    assert values.keys() == {"code", "state"}
    assert values["state"] == "a state&="
    assert values["code"] in stand_in.oauth.codes


def test_deny_sends_back_the_refusal(stand_in: TestedStandIn) -> None:
    assert came_back_with(stand_in.log_in(authorize_url(stand_in), ADA, allow=False)) == {
        "error": "access_denied",
        "error_description": "end-user denied authorization",
        "state": "a state&=",
    }


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"client_id": "another"}, "invalid_client_id"),
        ({"redirect_uri": CALLBACK + "?x=1"}, "redirect_uri_mismatch"),
        ({"redirect_uri": CALLBACK.rstrip("/")}, "redirect_uri_mismatch"),
        ({"redirect_uri": None}, "redirect_uri_mismatch"),
    ],
)
def test_another_app_or_address_is_sent_nowhere(stand_in: TestedStandIn, change: dict, sign: str) -> None:
    answer = requests.get(authorize_url(stand_in, **change), allow_redirects=False, timeout=10)

    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert sign in answer.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "api everything"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"immediate": "true"}, "immediate_unsuccessful"),
    ],
)
def test_a_wrong_request_comes_back_as_error(stand_in: TestedStandIn, change: dict, error: str) -> None:
    assert came_back_with(stand_in.log_in(authorize_url(stand_in, **change), ADA))["error"] == error


def test_deactivated_users_and_locked_orgs_come_back_as_error(stand_in: TestedStandIn) -> None:
    stand_in.org.deactivate_user(ADA)
    assert came_back_with(stand_in.log_in(authorize_url(stand_in), ADA))["error"] == "inactive_user"
    stand_in.org.deactivate_org()
    assert came_back_with(stand_in.log_in(authorize_url(stand_in), BEN))["error"] == "inactive_org"


POLICIES = [
    ("not_approved", "OAUTH_APP_ACCESS_DENIED"),
    ("blocked", "OAUTH_APP_BLOCKED"),
    ("not_installed", "OAUTH_APPROVAL_ERROR_GENERIC"),
]


@pytest.mark.parametrize(("policy", "error"), POLICIES)
def test_an_unwelcome_app_is_shown_a_page_of_salesforce(stand_in: TestedStandIn, policy: str, error: str) -> None:
    stand_in.org.set_app_policy(policy)

    assert stand_in.log_in(authorize_url(stand_in), ADA).startswith(stand_in.login_url)

    stand_in.tells_app = True
    assert came_back_with(stand_in.log_in(authorize_url(stand_in), ADA))["error"] == error


ERRORS_OF_THE_PAGE = ["access-denied", "rate_limit_exceeded", "invalid_scope", "inactive_user", "inactive_org"]


@pytest.mark.parametrize("error", ERRORS_OF_THE_PAGE)
def test_any_error_can_be_ordered(stand_in: TestedStandIn, error: str) -> None:
    stand_in.faults.add(Fault("oauth_error", path="/authorize$", code=error, message="why"))

    first = came_back_with(stand_in.log_in(authorize_url(stand_in), ADA))
    second = came_back_with(stand_in.log_in(authorize_url(stand_in), ADA))

    assert first == {"error": error, "error_description": "why", "state": "a state&="}
    assert second.keys() == {"code", "state"}


def test_each_log_in_host_knows_its_own_users(stand_in: TestedStandIn) -> None:
    production = requests.get(authorize_url(stand_in), timeout=10).text
    sandbox_url = authorize_url(stand_in).replace(stand_in.login_url, stand_in.sandbox_login_url)
    sandbox = requests.get(sandbox_url, timeout=10).text

    ada, other_ada = (org.user(ADA)["Id"] for org in stand_in.orgs[:2])
    carl = stand_in.orgs[2].user("carl@globex.example")["Id"]
    assert [each in production for each in (ada, other_ada, carl)] == [True, False, True]
    assert [each in sandbox for each in (ada, other_ada, carl)] == [False, True, False]
    assert "Automated Process" not in production


def test_nobody_is_remembered_unless_asked(stand_in: TestedStandIn) -> None:
    url, user = authorize_url(stand_in), stand_in.org.user(ADA)["Id"]
    with requests.Session() as browser:
        browser.post(url, {"user": user}, timeout=10)
        assert "Log in to Salesforce" in browser.get(url, timeout=10).text
        browser.post(url, {"user": user, "remember": "yes"}, timeout=10)
        assert "Allow access?" in browser.get(url, timeout=10).text
        assert "Log in to Salesforce" in browser.get(authorize_url(stand_in, prompt="login"), timeout=10).text
        browser.get(stand_in.login_url + "/secur/logout.jsp", timeout=10)
        assert "Log in to Salesforce" in browser.get(url, timeout=10).text


def test_the_hinted_user_comes_first(stand_in: TestedStandIn) -> None:
    page = requests.get(authorize_url(stand_in, login_hint=BEN.upper()), timeout=10).text

    assert page.index("Ben Franklin") < page.index("Ada Lovelace")


def test_an_org_may_be_its_own_log_in_host(stand_in: TestedStandIn) -> None:
    url = authorize_url(stand_in).replace(stand_in.login_url, stand_in.instance_url)
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, stand_in.ca_bundle
        assert browser.get(url, timeout=10).status_code == 404
        stand_in.my_domain_logins = True
        page = browser.get(url, timeout=10).text

    assert stand_in.org.user(ADA)["Id"] in page
    assert "carl@globex.example" not in page
    assert came_back_with(stand_in.log_in(url, ADA)).keys() == {"code", "state"}
