"""What the demo's processes are told: the operator's environment variables, as for any installation."""

import os
import secrets
import socket
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DATA = CHECKOUT / ".data"


class DemoImpossible(RuntimeError):
    """The demo cannot start or go on; the text is one sentence for the person at the terminal."""


class Ports(NamedTuple):
    """Where the demo listens on 127.0.0.1.

    The stand-in takes two ports from `stand_in` on (the log-in of production and of sandboxes), and three from
    `stand_in_tls` on (one for each of its orgs).
    """

    web: int
    stand_in: int
    stand_in_tls: int

    @property
    def logins(self) -> range:
        """The ports of the stand-in's log-in hosts."""
        return range(self.stand_in, self.stand_in + 2)

    @property
    def orgs(self) -> range:
        """The ports of the stand-in's orgs."""
        return range(self.stand_in_tls, self.stand_in_tls + 3)


def choose_ports() -> Ports:
    """The ports, by environment or by default. Raises DemoImpossible when one is no port or is taken."""
    ports = Ports(read_port("PORT", 8000), read_port("STAND_IN_PORT", 8001), read_port("STAND_IN_TLS_PORT", 8443))
    listeners = {
        "PORT": range(ports.web, ports.web + 1),
        "STAND_IN_PORT": ports.logins,
        "STAND_IN_TLS_PORT": ports.orgs,
    }
    for variable, numbers in listeners.items():
        for number in numbers:
            if is_taken(number):
                raise DemoImpossible(
                    f"Port {number} is taken by another program: choose another, "
                    f"e.g. make demo {variable}={numbers[0] + 1000}"
                )
    return ports


def read_port(variable: str, default: int) -> int:
    """The port that an environment variable names. Raises DemoImpossible when it is none."""
    said = os.environ.get(variable) or str(default)
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= 65000:
        raise DemoImpossible(f"{variable} must be a port from 1 to 65000, not {said!r}.")
    return int(said)


def is_taken(port: int) -> bool:
    """Whether 127.0.0.1 has no room for a listener at this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def read_keys(path: Path) -> dict[str, str]:
    """The demo's secrets, made at the first start and kept: what is stored can only be read with them."""
    if not path.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "FIELD_ENCRYPTION_KEYS": f"demo1:{b64encode(secrets.token_bytes(32)).decode()}",
            "SALESFORCE_CLIENT_ID": f"demo-{secrets.token_hex(8)}",
            "SALESFORCE_CLIENT_SECRET": secrets.token_hex(32),
        }
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in made.items())
        fresh.rename(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def build_environment(ports: Ports, database_url: str) -> dict[str, str]:
    """The environment of every process of the demo: ours, and from outside only what is not a setting."""
    login, sandbox_login = (f"127.0.0.1:{port}" for port in ports.logins)
    orgs = (f"localhost:{port}" for port in ports.orgs)
    return {
        **os.environ,
        **read_keys(DATA / "demo.env"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "DEBUG": "1",
        "DATABASE_URL": database_url,
        "PORT": str(ports.web),
        "BIND": f"127.0.0.1:{ports.web}",
        "WEB_WORKERS": "1",
        "WEB_THREADS": "8",
        "BASE_URL": f"http://127.0.0.1:{ports.web}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "EMAIL_URL": f"file://{DATA / 'mail'}",
        "SALESFORCE_LOGIN_URL": f"http://{login}",
        "SALESFORCE_SANDBOX_LOGIN_URL": f"http://{sandbox_login}",
        "SALESFORCE_EXTRA_HOSTS": ",".join([login, sandbox_login, *orgs]),
        "SALESFORCE_CA_BUNDLE": str(DATA / "stand-in" / "stand-in-ca.pem"),
    }
