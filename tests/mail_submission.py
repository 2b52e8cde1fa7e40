"""A submission service and an MX in front of a test's mail server: SMTP over TLS, on a port of its own.

Whoever logs in sends as a phone does: the mail goes to its recipients and a copy lands in the sender's folder of sent
mail. Whoever does not log in is another mail server that delivers to people here.
"""

import smtplib
import ssl
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.processes import free_port

Put = Callable[[str, str, bytes], None]


class Submission:
    """The service. `put(user, folder, mail)` stores a mail; `users` names the user of an address where that is not
    its part before the @. Only addresses of `domain` are ours: mail to others leaves the house.
    """

    def __init__(self, certificate: Path, ca_bundle: Path, password: str, sent: str, put: Put) -> None:
        self.domain, self.host, self.port = "acme.example", "localhost", free_port()
        self.users: dict[str, str] = {}
        self._password, self._sent, self._put = password, sent, put
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._client_context = ssl.create_default_context(cafile=str(ca_bundle))
        self._controller = Controller(
            self,
            "127.0.0.1",
            self.port,
            ssl_context=context,
            authenticator=self._authenticate,
            auth_require_tls=False,  # the whole connection is TLS, which the library sees only after STARTTLS
        )

    def start(self) -> None:
        """Take connections, in a thread."""
        self._controller.start()

    def stop(self) -> None:
        """Take no more."""
        self._controller.stop()

    def user_of(self, address: str) -> str | None:
        """The user whose mailbox an address is; None for an address that is not ours."""
        name, _, domain = address.lower().rpartition("@")
        return self.users.get(address.lower(), name) if domain == self.domain else None

    def send(self, mail: bytes, sender: str, recipients: list[str]) -> None:
        """Send a mail: of an address of ours as its phone does, of another as its mail server does.

        Returns when it lies in the mailboxes.
        """
        with smtplib.SMTP_SSL(self.host, self.port, context=self._client_context, timeout=20) as program:
            user = self.user_of(sender)
            if user is not None:
                program.login(user, self._password)
            program.sendmail(sender, recipients, mail)

    def _authenticate(
        self, _server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, said: LoginPassword
    ) -> AuthResult:
        success = said.password.decode() == self._password
        session.user = said.login.decode() if success else None
        return AuthResult(success=success)

    async def handle_RCPT(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """No open relay: who has not logged in reaches addresses of ours only."""
        if self.user_of(address) is None and not session.authenticated:
            return "550 5.7.1 relaying denied"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Deliver, then file the sender's copy."""
        await server.loop.run_in_executor(None, self._deliver, session, envelope)
        return "250 OK"

    def _deliver(self, session: Session, envelope: Envelope) -> None:
        mail = bytes(envelope.original_content or b"")
        head = f"Return-Path: <{envelope.mail_from}>\r\nReceived: by {self.domain}; {formatdate()}\r\n".encode()
        for user in dict.fromkeys(map(self.user_of, envelope.rcpt_tos)):
            if user is not None:
                self._put(user, "INBOX", head + mail)
        if session.authenticated:
            self._put(session.user, self._sent, mail)
