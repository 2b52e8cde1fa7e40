"""A database of its own, a stand-in in this process, and connections made without a browser."""

import os
import re
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import requests

CLIENT = {"client_id": "touchline-test-client", "client_secret": "canary-client-secret"}
CALLBACK = "http://testserver/integrations/salesforce/callback/production/"


@contextmanager
def world(name: str) -> Iterator["World"]:
    """Set up everything, Django included; may be entered once in a process."""
    from integrations.salesforce.stand_in import StandIn, make_orgs
    from tests.processes import own_database

    with (
        own_database(f"faults_{name}_{os.getpid()}") as database_url,
        tempfile.TemporaryDirectory() as folder,
        StandIn(*make_orgs(), certificate_dir=Path(folder), **CLIENT) as stand_in,
    ):
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.faults.connections.settings",
            "DATABASE_URL": database_url,
            "SALESFORCE_LOGIN_URL": stand_in.login_url,
            "SALESFORCE_SANDBOX_LOGIN_URL": stand_in.sandbox_login_url,
            "SALESFORCE_EXTRA_HOSTS": ",".join(stand_in.extra_hosts),
            "SALESFORCE_CA_BUNDLE": stand_in.ca_bundle,
        }
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        try:
            yield World(stand_in)
        finally:
            connections.close_all()


class World:
    """What the scripts need of both ends."""

    def __init__(self, stand_in) -> None:
        from integrations.models import SalesforceOrg
        from workspaces.models import Workspace

        self.stand_in = stand_in
        self.workspace = Workspace.objects.create(name="Acme", slug="acme")
        self.org = SalesforceOrg.objects.create(
            workspace=self.workspace,
            org_id=stand_in.org.id,
            name="Acme",
            environment="production",
            web_url=stand_in.web_url,
        )

    def make_connection(self, number: int):
        """A connection on a Salesforce user of its own, with a grant of the stand-in."""
        from integrations.models import Connection, SalesforceUser

        email = f"user{number}@touchline.example"
        self.stand_in.org.add_user(email, "User", str(number))
        user_id = self.stand_in.org.user(email)["Id"]
        user = SalesforceUser.objects.create(
            org_id=self.org.org_id, user_id=user_id, username=email, name=email, email=email
        )
        connection = Connection(
            workspace=self.workspace,
            org=self.org,
            salesforce_user=user,
            issuer="production",
            login_url=self.stand_in.login_url,
            token_version=0,
        )
        return self.grant(connection)

    def grant(self, connection):
        """Give the connection a new grant, as a reconnect does."""
        from django.utils import timezone

        from integrations import tokens
        from integrations.secrets import Secret

        answer = log_in(self.stand_in, connection.salesforce_user.email)
        tokens.fill(connection, Secret(answer["access_token"]), Secret(answer["refresh_token"]))
        connection.instance_url, connection.scopes = answer["instance_url"], answer["scope"]
        connection.state, connection.cause, connection.connected_at = "connected", "", timezone.now()
        connection.save()
        return connection

    def grant_of(self, connection):
        """The newest grant at the stand-in."""
        user_id = connection.salesforce_user.user_id
        return [each for each in self.stand_in.oauth.grants if each.user_id == user_id][-1]

    def expire_session(self, connection) -> None:
        """Let Salesforce forget the access tokens."""
        with self.stand_in.lock:
            grant = self.grant_of(connection)
            for token in grant.access_tokens:
                self.stand_in.oauth.by_access.pop(token, None)
            grant.access_tokens.clear()


def log_in(stand_in, email: str) -> dict[str, str]:
    """The token answer of a log-in with Allow."""
    from integrations.salesforce import oauth

    pkce = oauth.new_pkce()
    app = oauth.App(CLIENT["client_id"], CLIENT["client_secret"])
    url = oauth.authorize_url(stand_in.login_url, app, CALLBACK, secrets.token_hex(8), pkce.challenge)
    form = {"user": stand_in.org.user(email)["Id"], "decision": "allow"}
    with requests.Session() as browser:
        browser.trust_env = False
        back = browser.post(url, form, allow_redirects=False, timeout=10)
        code = unquote(re.search(r"[?&]code=([^&]+)", back.headers["Location"])[1])
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": pkce.verifier,
            **CLIENT,
        }
        return browser.post(f"{stand_in.login_url}/services/oauth2/token", body, timeout=10).json()


def report(title: str, **counts: object) -> None:
    """Print one line."""
    listed = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in counts.items())
    sys.stdout.write(f"{title}: {listed}\n")
    sys.stdout.flush()


def finish(wrong: list[str]) -> None:
    """End the script: 0 when nothing is wrong, else 1 with what is."""
    for line in wrong:
        sys.stdout.write(f"WRONG: {line}\n")
    raise SystemExit(1 if wrong else 0)
