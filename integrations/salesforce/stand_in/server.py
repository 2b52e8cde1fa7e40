"""The stand-in itself: its hosts, its orgs, and the way of a request to what answers it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from .certificates import ensure_certificates
from .control import answer_control
from .data_host import answer_data_host
from .faults import Fault, Faults
from .listener import DropConnection, Listener
from .login_host import answer_login_host
from .messages import Request, Response
from .oauth import OAuth
from .org import Org

CALLBACK_PATH = "/integrations/salesforce/callback/{0}/"
CALLBACK_KINDS = ("production", "sandbox", "custom")
HOSTS_OF_THE_APP = ("http://127.0.0.1:8000", "http://localhost:8000", "http://testserver")

# one line of the log: method, path without query, status (0: dropped), milliseconds, what it was about
CallLog = Callable[[str, str, int, float, str], None]


class StandIn:
    """A small Salesforce: two log-in hosts over plain HTTP, and a TLS host for each org.

    `login_url` (production) and `sandbox_login_url` answer authorize, token, revoke, introspect, userinfo, the
    identity URL and the pages for people; each org's `instance_url_of(org)` answers the data API and userinfo.
    The first org is the main one. Switches: `needs_pkce`, `tells_app` (refusals of the app reach its callback),
    `my_domain_logins` (an org's own host is a log-in host, too), `oauth.rotates`. Ports of 0 are chosen
    freely. Use it as a context manager, or start and stop.
    """

    def __init__(
        self,
        org: Org,
        *more_orgs: Org,
        certificate_dir: Path,
        https_port: int = 0,
        http_port: int = 0,
        host: str = "127.0.0.1",
        client_id: str = "stand-in-client-id",
        client_secret: str | None = None,
        apps: Iterable[str] = (),
        on_call: CallLog | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.client_id = client_id
        self.client_secret = client_secret or secrets.token_hex(32)
        self.host, self.on_call = host, on_call
        self.ports = (https_port, http_port)
        self.ca_path, self.server_pem = ensure_certificates(certificate_dir)
        self.apps = (*HOSTS_OF_THE_APP, *apps)
        self.listeners: list[Listener] = []
        self.instances: list[Listener] = []
        self.late_work: list[threading.Thread] = []
        self.faults = Faults()
        self.requests = 0
        self.reset(org, *more_orgs)

    def reset(self, *orgs: Org) -> None:
        """Begin anew with these orgs: no grants, no faults, the ordinary callbacks."""
        with self.lock:
            self.orgs = list(orgs)
            self.oauth = OAuth(self)
            self.faults.abandon()
            self.faults = Faults()
            self.my_domain_logins = False
            self.needs_pkce = True
            self.tells_app = False
            self.callbacks: set[str] = set()
            for base in self.apps:
                self.register_callbacks(base)
            left, self.listeners = self.listeners[2:], self.listeners[:2]
        for listener in left:
            listener.stop()
        if self.listeners:
            self._listen_for_orgs()

    def register_callbacks(self, base_url: str) -> None:
        """Accept the app at another address as the place to return to after a log-in."""
        self.callbacks |= {base_url.rstrip("/") + CALLBACK_PATH.format(kind) for kind in CALLBACK_KINDS}

    # -- addresses

    @property
    def org(self) -> Org:
        """The main org."""
        return self.orgs[0]

    @property
    def login_url(self) -> str:
        """Where users of production orgs log in, as login.salesforce.com."""
        return f"http://{self.host}:{self.listeners[0].port}"

    @property
    def sandbox_login_url(self) -> str:
        """Where users of sandboxes log in, as test.salesforce.com."""
        return f"http://{self.host}:{self.listeners[1].port}"

    def login_url_of(self, kind: str, org: Org) -> str:
        """The address of a log-in host by its kind; "my_domain" is the org's own host."""
        if kind == "my_domain":
            return self.instance_url_of(org)
        return self.sandbox_login_url if kind == "sandbox" else self.login_url

    @property
    def web_url(self) -> str:
        """Where people look at records in the browser."""
        return self.login_url

    @property
    def instance_url(self) -> str:
        """The data host of the main org."""
        return self.instance_url_of(self.org)

    def instance_url_of(self, org: Org) -> str:
        """The data host of an org: https://localhost:port."""
        return f"https://localhost:{self.instances[self.orgs.index(org)].port}"

    @property
    def ca_bundle(self) -> str:
        """The file to trust for the data hosts."""
        return str(self.ca_path)

    @property
    def extra_hosts(self) -> list[str]:
        """All hosts as "host:port", for SALESFORCE_EXTRA_HOSTS."""
        logins = [f"{self.host}:{each.port}" for each in self.listeners[:2]]
        return logins + [f"localhost:{each.port}" for each in self.instances]

    def settings(self) -> dict[str, str]:
        """The environment by which Touchline finds this stand-in."""
        return {
            "SALESFORCE_CLIENT_ID": self.client_id,
            "SALESFORCE_CLIENT_SECRET": self.client_secret,
            "SALESFORCE_LOGIN_URL": self.login_url,
            "SALESFORCE_SANDBOX_LOGIN_URL": self.sandbox_login_url,
            "SALESFORCE_EXTRA_HOSTS": ",".join(self.extra_hosts),
            "SALESFORCE_CA_BUNDLE": self.ca_bundle,
        }

    # -- life

    def start(self) -> Self:
        """Open the hosts; they answer in threads. Raises OSError where a port is taken."""
        https_port, http_port = self.ports
        try:
            for number, is_sandbox in enumerate((False, True)):
                port = http_port + number if http_port else 0
                self.listeners.append(Listener(self, self.host, port, login_sandbox=is_sandbox))
            self._listen_for_orgs(https_port)
        except OSError:
            self.stop()
            raise
        return self

    def _listen_for_orgs(self, first_port: int = 0) -> None:
        for number in range(len(self.instances), len(self.orgs)):
            port = first_port + number if first_port else 0
            self.instances.append(Listener(self, self.host, port, pem=self.server_pem, org_number=number))

    def move_instance(self, org: Org | None = None, old_host_answers: int = 404) -> str:
        """Let Salesforce move an org to a new host, which the next refresh tells; returns its address.

        The old host answers 404, 401 (INVALID_SESSION_ID) or 302 to the new one.
        """
        org = org or self.org
        with self.lock:
            number = self.orgs.index(org)
            old, moved = self.instances[number], Listener(self, self.host, 0, pem=self.server_pem, org_number=number)
            self.listeners.append(old)
            old.org_number, old.answers_with = None, old_host_answers
            self.instances[number] = moved
            old.moved_to = self.instance_url_of(org)
        return old.moved_to

    def stop(self) -> None:
        """Close the hosts and every connection."""
        self.faults.abandon()
        for listener in [*self.listeners, *self.instances]:
            listener.stop()
        for thread in self.late_work:
            thread.join(timeout=5)
        self.listeners, self.instances, self.late_work = [], [], []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    # -- requests

    def answer(self, request: Request, listener: Listener) -> Response:
        """Answer one request; raises DropConnection where a fault wants no answer."""
        self.requests += 1
        started = time.perf_counter()
        status, about = 0, ""
        try:
            if request.path.startswith("/stand-in/"):
                response = answer_control(self, request)
            else:
                response, about = self._answer_with_faults(request, listener)
            status = response.status
            return response
        finally:
            if self.on_call:
                milliseconds = (time.perf_counter() - started) * 1000
                self.on_call(request.method, request.path, status, milliseconds, about)

    def _answer_with_faults(self, request: Request, listener: Listener) -> tuple[Response, str]:
        fault = self.faults.take(request, self.caller_of(request))
        if fault is None or fault.kind == "row_error":
            return self._process(request, listener, fault), fault.kind if fault else ""
        return self._go_wrong(fault, request, listener), fault.kind

    def _go_wrong(self, fault: Fault, request: Request, listener: Listener) -> Response:
        kind = fault.kind
        if kind == "drop":
            raise DropConnection
        if kind == "drop_then_process":
            self._process_later(fault, request, listener)
            raise DropConnection
        if kind.startswith("delay"):
            time.sleep(fault.seconds or 0)
        if kind == "oauth_error" and request.path.endswith("/authorize"):
            return self._process(request, listener, fault)
        if kind in ("process_then_drop", "delay", "delay_then_drop", "process_then_html", "process_then_garbage"):
            response = self._process(request, listener, None)
            if kind == "delay":
                return response
        if kind.endswith("_drop"):
            raise DropConnection
        if kind in ("api_error", "bare_error") and fault.code != "INVALID_SESSION_ID":
            return listener.with_limit(fault.answer())
        return fault.answer()

    def _process_later(self, fault: Fault, request: Request, listener: Listener) -> None:
        faults, released = self.faults, self.faults.release_event

        def work() -> None:
            released.wait(fault.seconds)
            if not faults.is_abandoned:
                self._process(request, listener, None)

        thread = threading.Thread(target=work, name="late work", daemon=True)
        self.late_work.append(thread)
        thread.start()

    def _process(self, request: Request, listener: Listener, fault: Fault | None) -> Response:
        if listener.is_login:
            return answer_login_host(self, request, listener, fault)
        return answer_data_host(self, request, listener, fault)

    def caller_of(self, request: Request) -> str | None:
        """Return the e-mail of the user whose token a request carries, or None."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        grant = self.oauth.by_access.get(token)
        return grant.org.row(grant.user_id).get("Email") if grant else None
