"""Every call to a mail provider's sign-in, failed in every way: nothing that comes of it holds a secret."""

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integrations.mailbox import oauth
from integrations.mailbox.errors import MailboxError
from integrations.mailbox.oauth import SignInProvider
from integrations.salesforce.stand_in.certificates import ensure_certificates
from tests.integrations.salesforce.hostile_answers import Place, hostile_places

SECRETS = ("canary-mail-client-secret", "canary-code", "canary-verifier", "canary-refresh-0123456789abcdef0123")
SECRET, CODE, VERIFIER, REFRESH = SECRETS

CALLS: dict[str, Callable[[SignInProvider], Any]] = {
    "exchange_code": lambda provider: oauth.exchange_code(provider, "https://t.example/", CODE, VERIFIER),
    "refresh": lambda provider: oauth.refresh(provider, REFRESH),
    "revoke": lambda provider: oauth.revoke(provider, REFRESH),
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    ca_bundle, key = ensure_certificates(tmp_path_factory.mktemp("authority"))
    other, _ = ensure_certificates(tmp_path_factory.mktemp("other-authority"))
    with hostile_places(str(key), str(ca_bundle), str(other)) as servers:
        yield {name: place for name, place in servers.items() if name != "silence"}  # it would be waited for


def provider_at(place: Place) -> SignInProvider:
    return SignInProvider(
        key="example",
        name="Example",
        host="imap.example.com",
        authorize_url=f"{place.url}/authorize",
        token_url=f"{place.url}/token",
        revoke_url=f"{place.url}/revoke",
        issuer=place.url,
        scopes="mail openid",
        mail_scope="mail",
        client_id="key",
        client_secret=SECRET,
        ca_bundle=place.ca_bundle,
    )


def test_no_failed_call_shows_a_secret(
    places: dict[str, Place], caplog: pytest.LogCaptureFixture, figure: Callable[[str], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = []
    for place in places.values():
        for call in CALLS.values():
            try:
                call(provider_at(place))
            except MailboxError as error:
                texts += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]

    leaks = [text for text in [*texts, caplog.text] for secret in SECRETS if secret in text]
    figure(
        f"forced failures: {len(CALLS)} calls of a mail sign-in × {len(places)} failures = "
        f"{len(CALLS) * len(places)}, {len(texts) // 4} ended in an error, {len(leaks)} showed a secret"
    )
    assert leaks == []
    assert len(texts) / 4 > 0.6 * len(CALLS) * len(places)
