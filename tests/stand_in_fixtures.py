"""The Salesforce stand-in for every test: one server a session, fresh orgs for each test."""

import re
import secrets
from collections.abc import Iterator

import pytest
import requests

from integrations.salesforce.stand_in import StandIn, make_orgs
from integrations.salesforce.stand_in.oauth import challenge_of

CALLBACK = "http://testserver/integrations/salesforce/callback/production/"


class TestedStandIn(StandIn):
    """The stand-in with a browser to log in with."""

    __test__ = False  # its name begins like that of a test class

    def log_in(self, authorize_url: str, user_email: str, allow: bool = True) -> str:
        """Play the person: open the authorize page, pick the user, press Allow or Deny.

        Returns the callback URL that the browser is sent to, or the address of the page where Salesforce keeps it.
        """
        with requests.Session() as browser:
            browser.trust_env = False
            page = browser.get(authorize_url, allow_redirects=False, verify=self.ca_bundle, timeout=10)
            if page.is_redirect or page.status_code != 200:
                return page.headers.get("Location", page.url)
            form = {"user": find_button(page.text, user_email)}
            page = browser.post(authorize_url, form, allow_redirects=False, verify=self.ca_bundle, timeout=10)
            if page.is_redirect or page.status_code != 200:
                return page.headers.get("Location", page.url)
            form["decision"] = "allow" if allow else "deny"
            page = browser.post(authorize_url, form, allow_redirects=False, verify=self.ca_bundle, timeout=10)
            return page.headers.get("Location", page.url)

    def connect(
        self, user_email: str, *, scope: str = "api refresh_token openid", sandbox: bool = False
    ) -> dict[str, str]:
        """Go through the whole log-in and return the token answer: for tests of what comes after it."""
        verifier, base = secrets.token_urlsafe(48), self.sandbox_login_url if sandbox else self.login_url
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": "state",
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        url = requests.Request("GET", base + "/services/oauth2/authorize", params=query).prepare().url
        code = re.search(r"[?&]code=([^&]+)", self.log_in(url, user_email))
        form = {
            "grant_type": "authorization_code",
            "code": requests.utils.unquote(code[1]),
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_uri": CALLBACK,
            "code_verifier": verifier,
        }
        with requests.Session() as session:
            session.trust_env = False
            return session.post(base + "/services/oauth2/token", form, timeout=10).json()


def find_button(page: str, user_email: str) -> str:
    """Return the user id of the button that carries this e-mail."""
    for button in re.findall(r'name="user" value="(\w+)">(.*?)</button>', page, re.DOTALL):
        if f"<span>{user_email}</span>" in button[1]:
            return button[0]
    raise AssertionError(f"nobody to log in as has the e-mail {user_email}")


@pytest.fixture(scope="session")
def stand_in_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestedStandIn]:
    """The running server; tests use `stand_in`."""
    directory = tmp_path_factory.mktemp("stand-in")
    app = {"client_id": "touchline-test-client", "client_secret": "canary-client-secret"}  # as in tests/settings.py
    with TestedStandIn(*make_orgs(), certificate_dir=directory, **app) as server:
        yield server


@pytest.fixture
def stand_in(stand_in_server: TestedStandIn) -> TestedStandIn:
    """The stand-in with fresh orgs: no grants, no faults, the demo's people and customers."""
    stand_in_server.reset(*make_orgs())
    return stand_in_server
