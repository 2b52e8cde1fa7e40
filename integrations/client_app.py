"""What the operator set about Salesforce, as the protocol takes it: the app, the hosts, the session."""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.urls import reverse

from integrations.models import Environment, Issuer
from integrations.salesforce import http, oauth
from integrations.salesforce.hosts import HostRule, my_domain_url

TOKEN_SECONDS = 25
"""How long the token endpoint may take: with the time to connect it fits into a refresh lease."""


def external_client_app() -> oauth.App:
    """Key and secret of our External Client App."""
    return oauth.App(settings.SALESFORCE_CLIENT_ID, settings.SALESFORCE_CLIENT_SECRET)


def is_configured() -> bool:
    """Whether the operator has set the app's key and secret at all."""
    return bool(settings.SALESFORCE_CLIENT_ID and settings.SALESFORCE_CLIENT_SECRET)


@lru_cache(maxsize=4)
def _host_rule(extra_hosts: frozenset[str]) -> HostRule:
    return HostRule(extra_hosts)


def host_rule() -> HostRule:
    """Which hosts may be spoken to."""
    return _host_rule(settings.SALESFORCE_EXTRA_HOSTS)


def open_session(on_usage: Callable[[http.Usage], None] | None = None) -> http.SalesforceSession:
    """A session with our time-outs, host rule and CA file; `on_usage` hears of the org's API use."""
    return http.open_session(host_rule(), ca_bundle=settings.SALESFORCE_CA_BUNDLE, on_usage=on_usage)


def login_url_of(issuer: Issuer, my_domain: str | None = None) -> str:
    """The checked base address of the host that signs people in. Raises HostNotAllowed."""
    if issuer == Issuer.CUSTOM:
        return my_domain_url(my_domain or "", host_rule())
    return host_rule().check_login(
        settings.SALESFORCE_LOGIN_URL if issuer == Issuer.PRODUCTION else settings.SALESFORCE_SANDBOX_LOGIN_URL
    )


def callback_url(issuer: Issuer) -> str:
    """The redirect address of an issuer, exactly as it is registered in the app."""
    return settings.BASE_URL + reverse("salesforce_callback", args=[issuer.value])


def issuer_of(environment: Environment) -> Issuer:
    """The issuer that signs in people of an org of this kind."""
    return Issuer.SANDBOX if environment == Environment.SANDBOX else Issuer.PRODUCTION


def open_token_session() -> http.SalesforceSession:
    """A session for the token endpoint, with a wait that fits into a refresh lease."""
    session = open_session()
    session.write_seconds = TOKEN_SECONDS
    return session
