"""Every call of the IMAP connection, failed in every way: nothing that comes of it, or is logged, holds a secret."""

import logging
import traceback
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from integrations.mailbox.connection import Server
from integrations.mailbox.errors import MailboxError
from integrations.mailbox.imap import Imap
from integrations.salesforce.stand_in.certificates import ensure_certificates
from tests.integrations.mailbox.hostile_imap import FAILURES, hostile_imap
from tests.processes import free_port

PASSWORD, TOKEN = "canary-mail-password", "canary-access-0123456789abcdef0123"
SECRETS = (PASSWORD, TOKEN, b64encode(f"user=ben\1auth=Bearer {TOKEN}\1\1".encode()).decode())
DAY = date(2026, 5, 1)

CALLS: dict[str, tuple[bytes, Callable[[Imap], Any]]] = {
    "log_in": (b"LOGIN", lambda imap: imap.log_in("ben", PASSWORD)),
    "log_in_with_token": (b"AUTHENTICATE", lambda imap: imap.log_in_with_token("ben", TOKEN)),
    "folders": (b"LIST", lambda imap: imap.folders()),
    "open": (b"EXAMINE", lambda imap: imap.open("INBOX")),
    "uids_from": (b"SEARCH", lambda imap: imap.uids_from(1)),
    "uids_between": (b"SEARCH", lambda imap: imap.uids_between(DAY, DAY)),
    "fetch_headers": (b"FETCH", lambda imap: imap.fetch_headers([1])),
    "fetch_start": (b"FETCH", lambda imap: imap.fetch_start(1)),
    "find_calendars": (b"FETCH", lambda imap: imap.find_calendars([1])),
    "can_idle": (b"CAPABILITY", lambda imap: imap.can_idle),
    "has_news": (b"", lambda imap: imap.has_news()),
    "wait_for_news": (b"IDLE", lambda imap: imap.wait_for_news(0.01)),
    "keep_alive": (b"NOOP", lambda imap: imap.keep_alive()),
    "close": (b"LOGOUT", lambda imap: imap.close()),
    "break_off": (b"", lambda imap: imap.break_off()),
}
"""Each public call, with the command that it sends."""
NEEDED = {"log_in": [], "log_in_with_token": [], "open": ["log_in"], "folders": ["log_in"]}
"""What comes before a call; a log-in and a folder where it does not say."""


def test_no_call_is_forgotten() -> None:
    assert {name for name in vars(Imap) if name[0] != "_"} == set(CALLS)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An authority, and the key of a server that it vouches for."""
    return ensure_certificates(tmp_path_factory.mktemp("hostile-imap"))


def outcome_of(where: Server, name: str) -> Any:
    """What came of one call after those that it needs: the error or the value."""
    imap = Imap(where)
    imap._socket.settimeout(0.05)
    try:
        for before in NEEDED.get(name, ["log_in", "open"]):
            CALLS[before][1](imap)
        return CALLS[name][1](imap)
    except MailboxError as error:
        return error
    finally:
        imap.break_off()
        imap.close()


def seen(outcome: Any) -> str:
    """Texts, attributes and traceback of an outcome, and of the errors behind it."""
    texts = [repr(outcome), str(outcome)]
    while isinstance(outcome, BaseException):
        texts += [repr((outcome.args, vars(outcome))), "".join(traceback.format_exception(outcome))]
        outcome = outcome.__cause__ or (None if outcome.__suppress_context__ else outcome.__context__)
    return "\n".join(texts)


def outcomes_of(certificates: tuple[Path, Path], failure: str) -> list[tuple[str, str, Any]]:
    """Failure, call and outcome of all calls with one failure."""
    ca_bundle, key = certificates
    outcomes = []
    with hostile_imap(key, failure) as server:
        for name, (server.fails_at, _call) in CALLS.items():
            outcomes.append((failure, name, outcome_of(server.server(str(ca_bundle)), name)))
    return outcomes


def test_no_failed_call_shows_a_secret(
    certificates: tuple[Path, Path], caplog: pytest.LogCaptureFixture, figure: Callable[[str], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    with ThreadPoolExecutor(len(FAILURES)) as together:
        outcomes = list(chain(*together.map(partial(outcomes_of, certificates), FAILURES)))
    errors = [outcome for _, _, outcome in outcomes if isinstance(outcome, MailboxError)]
    for error in errors:
        logging.getLogger("a.caller").error("failed: %s %r", error, error, exc_info=error)
    leaks = [(failure, name) for failure, name, outcome in outcomes for each in SECRETS if each in seen(outcome)]

    figure(
        f"forced failures: {len(CALLS)} IMAP calls × {len(FAILURES)} failures = {len(outcomes)}, "
        f"{len(errors)} ended in an error, {len(leaks)} showed a secret"
    )
    assert leaks == []
    assert [secret for secret in SECRETS if secret in caplog.text] == []
    assert len(errors) > 0.6 * len(outcomes)


def test_nothing_is_said_to_a_server_that_does_not_prove_itself(
    certificates: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    ca_bundle, key = certificates
    other, _ = ensure_certificates(tmp_path_factory.mktemp("other-authority"))
    with hostile_imap(key, "silence") as server:
        places = {
            "another authority": server.server(str(other)),
            "another name": server.server(str(ca_bundle), "imap.example.com"),
            "nobody": Server("localhost", free_port(), ("127.0.0.1",), str(ca_bundle)),
        }
        causes = {}
        for name, where in places.items():
            with pytest.raises(MailboxError) as caught:
                Imap(where)
            causes[name] = caught.value.cause

    assert causes == {"another authority": "certificate", "another name": "certificate", "nobody": "unreachable"}
