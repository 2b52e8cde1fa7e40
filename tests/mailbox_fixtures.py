"""A real mail server for tests: Dovecot with a configuration, a port and a certificate of its own, and SMTP into it.

It runs as the user of the tests; where that is root, Dovecot's own users own its processes and the mail.
"""

import getpass
import grp
import imaplib
import os
import pwd
import re
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from integrations.salesforce.stand_in.certificates import SERVER_FILE, ensure_certificates
from tests.authorization_server import CLIENT_ID, CLIENT_SECRET, AuthorizationServer
from tests.mail_submission import Submission
from tests.processes import free_port

PASSWORD = "canary-mail-password"
DOVECOT = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
needs_dovecot = pytest.mark.skipif(
    DOVECOT is None, reason="The mailbox tests need Dovecot: apt-get install dovecot-imapd"
)

CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/stand-in-server.pem
ssl_key = <{folder}/stand-in-server.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
default_internal_user = {mail_user}
default_internal_group = {mail_group}
default_login_user = {login_user}
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 1000
mail_fsync = never
first_valid_uid = 1
mailbox_list_index = yes
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/dovecot-oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password} user=%u
}}
userdb {{
  driver = static
  args = uid={mail_user} gid={mail_group} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox "Sent Items" {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
}}
service imap-login {{
  chroot =
  client_limit = 2000
  service_count = 0
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 2000
}}
service anvil {{
  chroot =
  client_limit = 3000
  # Refused log-ins make no later one wait.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  client_limit = 3000
}}
service stats {{
  chroot =
}}
"""

INTROSPECTION = """
introspection_mode = post
introspection_url = {url}/introspect
tls_ca_cert_file = {ca_bundle}
username_attribute = email
active_attribute = active
active_value = true
"""


class Dovecot:
    """The server. Every user name is let in with PASSWORD, or with a token that `issuer` gave to that address.
    SENT is the folder of sent mail.
    """

    SENT = "Sent Items"

    def __init__(self, folder: Path) -> None:
        self.folder, self.host, self.port = folder, "localhost", free_port()
        self.ca_bundle, _ = ensure_certificates(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.issuer = AuthorizationServer(folder / SERVER_FILE, self.ca_bundle)
        self._configure()
        self._submission = Submission(folder / SERVER_FILE, self.ca_bundle, PASSWORD, self.SENT, self.put)

    def _configure(self) -> None:
        me = getpass.getuser()
        mail_user, login_user = ("dovecot", "dovenull") if os.geteuid() == 0 else (me, me)
        account = pwd.getpwnam(mail_user)
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", account.pw_uid, account.pw_gid)
        self.folder.chmod(0o711)
        (self.folder / "dovecot-oauth2.conf").write_text(
            INTROSPECTION.format(url=self.issuer.base_url, ca_bundle=self.ca_bundle)
        )
        (self.folder / "dovecot.conf").write_text(
            CONFIGURATION.format(
                folder=self.folder,
                port=self.port,
                password=PASSWORD,
                mail_user=mail_user,
                mail_group=grp.getgrgid(account.pw_gid).gr_name,
                login_user=login_user,
            )
        )

    def start(self) -> None:
        """Start it and wait until it lets somebody in."""
        self._submission.start()
        self.issuer.start()
        assert DOVECOT
        command = [DOVECOT, "-F", "-c", str(self.folder / "dovecot.conf")]
        if shutil.which("setpriv"):  # a test run that is killed leaves no server behind
            command = ["setpriv", "--pdeathsig", "TERM", *command]
        self._process = subprocess.Popen(command, start_new_session=True)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.client("probe").logout()
                return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "dovecot.log").read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it; all connections end."""
        self._submission.stop()
        self.issuer.stop()
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    @property
    def extra_host(self) -> str:
        """As MAILBOX_EXTRA_HOSTS wants it."""
        return f"{self.host}:{self.port}"

    def client(self, user: str) -> imaplib.IMAP4_SSL:
        """Another mail program of this user."""
        context = ssl.create_default_context(cafile=str(self.ca_bundle))
        program = imaplib.IMAP4_SSL(self.host, self.port, ssl_context=context, timeout=20)
        program.login(user, PASSWORD)
        return program

    def put(self, user: str, folder: str, *mails: bytes) -> None:
        """Another mail program, or the post, puts mails into a folder."""
        program = self.client(user)
        for mail in mails:
            answer = program.append(f'"{folder}"', "", imaplib.Time2Internaldate(time.time()), mail)
            assert answer[0] == "OK", answer
        program.logout()

    def send(self, mail: bytes, sender: str, recipients: list[str]) -> None:
        """Send a mail over SMTP: from ben@acme.example as Ben's phone does, so that it lands in his sent mail, too;
        from elsewhere as another mail server does. It lies in the INBOX of every user of acme.example among the
        recipients (ben@… is the user ben, unless `users` says otherwise) when this returns.
        """
        self._submission.send(mail, sender, recipients)

    @property
    def users(self) -> dict[str, str]:
        """The users of addresses of acme.example that are not called as their address."""
        return self._submission.users

    def connections_of(self, user: str) -> int:
        """How many processes serve this user now."""
        command = ["doveadm", "-c", str(self.folder / "dovecot.conf"), "-f", "flow", "who", user]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        counts = re.findall(r"#=(\d+)|connections=(\d+)", found.stdout)
        return sum(int(a or b) for a, b in counts)


def letter(number: int = 1, *, answers: str = "", **fields: str) -> bytes:
    """A mail from Ben to Nora, as his mail program writes it."""
    mail = EmailMessage()
    values = {
        "From": "Ben <ben@acme.example>",
        "To": "Nora West <nora.west@northwindtraders.example>",
        "Subject": f"Offer {number}",
        "Date": format_datetime(datetime.now(UTC)),
        "Message-ID": f"<m{number}@acme.example>",
    }
    text = fields.pop("text", "Dear Nora,\nhere is the offer.\n")
    for name, value in (values | fields).items():
        mail[name.replace("_", "-")] = value
    if answers:
        mail["In-Reply-To"] = f"<{answers}>"
    mail.set_content(text)
    return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))


@pytest.fixture(scope="session")
def dovecot_server() -> Iterator[Dovecot]:
    """The running server of the session."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    server = Dovecot(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dovecot(dovecot_server: Dovecot, settings: Settings) -> Dovecot:
    """The server, and our settings allowing it. Use user names of the test's own."""
    settings.MAILBOX_EXTRA_HOSTS = frozenset({dovecot_server.extra_host})
    settings.MAILBOX_CA_BUNDLE = str(dovecot_server.ca_bundle)
    dovecot_server.users.clear()
    dovecot_server.issuer.reset()
    return dovecot_server


@pytest.fixture
def issuer(dovecot: Dovecot, settings: Settings) -> AuthorizationServer:
    """The authorization server, and Touchline registered there as at Google and as at Microsoft."""
    for name, key in (("GOOGLE", "google"), ("MICROSOFT", "microsoft")):
        setattr(settings, f"MAILBOX_{name}_CLIENT_ID", CLIENT_ID)
        setattr(settings, f"MAILBOX_{name}_CLIENT_SECRET", CLIENT_SECRET)
        setattr(settings, f"MAILBOX_{name}_SIGN_IN_URL", f"{dovecot.issuer.base_url}/{key}")
        setattr(settings, f"MAILBOX_{name}_HOST", dovecot.extra_host)
    return dovecot.issuer
