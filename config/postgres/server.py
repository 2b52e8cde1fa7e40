"""One embedded server as it stands on disk and in the process table."""

import hashlib
import os
import pwd
import re
import socket
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from config.postgres.errors import PostgresUnavailable

NAME = "touchline"  # of the database and of its superuser
SOCKET_NAME = ".s.PGSQL.5432"
DIRECTORY_LIMIT = 107 - len(f"/{SOCKET_NAME}")  # the kernel's limit for the path of a unix socket


@dataclass(frozen=True)
class Server:
    """The folder that the server lives in, and the account that runs it (None: our own)."""

    home: Path
    account: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data / "server.log"

    @property
    def socket_directory(self) -> Path:
        """Where the socket is: in the home, or under /tmp where the home's path does not suit a socket."""
        path = str(self.home / "run")
        if len(os.fsencode(path)) <= DIRECTORY_LIMIT and re.fullmatch(r"[\w./-]+", path, re.ASCII):
            return Path(path)
        mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path("/tmp") / f"touchline-{mark}"  # noqa: S108 (its owner and mode are checked)

    @property
    def url(self) -> str:
        """The DATABASE_URL of the server."""
        return f"postgresql://{NAME}@{quote(str(self.socket_directory), safe='')}/{NAME}"

    @property
    def owner_id(self) -> int:
        """The user id that the server runs under."""
        return self.account.pw_uid if self.account else os.geteuid()

    def is_ready(self) -> bool:
        """Whether the server takes connections; takes well under a millisecond.

        Raises PostgresUnavailable when the data belong to an account whose files we may not read.
        """
        try:
            if self.read_pid_file()[7:8] != ["ready"]:
                return False
            check_private(self.socket_directory, self.owner_id)
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket_directory / SOCKET_NAME))
        except PermissionError as error:
            raise PostgresUnavailable(
                f"The database in {self.home} belongs to another user: run as that user, "
                "or set EMBEDDED_POSTGRES_DIR to a folder of your own."
            ) from error
        except OSError:
            return False
        return True

    def has_socket(self) -> bool:
        """Whether there is a socket: a former server whose data were removed takes ours along at its end."""
        return (self.socket_directory / SOCKET_NAME).exists()

    def read_pid_file(self) -> list[str]:
        """The stripped lines of postmaster.pid: process id first, state eighth; empty when there is none."""
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def find_process(self) -> int | None:
        """The id of the running postmaster of these data, or None.

        A zombie (a killed server in a container that reaps nobody) and a stranger who got the same id later
        are not it, though PostgreSQL itself takes both for a live server.
        """
        lines = self.read_pid_file()
        process = int(lines[0]) if lines and lines[0].isdigit() else 0
        return process if works_in(process, self.data) else None

    def list_processes(self) -> list[int]:
        """The ids of all live processes of these data, those that outlive their postmaster included."""
        processes = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
        return [process for process in processes if works_in(process, self.data)]

    def run(self, *command: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program as the server's account with `text` on its standard input; return what it said."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        account: dict[str, Any] = {}
        if self.account:
            account = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return subprocess.run(
            [str(part) for part in command],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env=environment,
            check=False,
            **account,
        )

    def make_directory(self, path: Path) -> None:
        """Create `path` for the server's account alone; where it exists, check that it is that."""
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            check_private(path, self.owner_id)
            return
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)


def works_in(process: int, directory: Path) -> bool:
    """Whether a live process has `directory` as its working directory; a zombie has none."""
    try:
        return Path(f"/proc/{process}/cwd").samefile(directory)
    except OSError:
        return False


def check_private(path: Path, owner_id: int) -> None:
    """Raise PostgresUnavailable unless `path` is a real directory of that owner, closed to everyone else."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner_id or found.st_mode & 0o077:
        raise PostgresUnavailable(
            f"{path} is not a private directory of the account that runs PostgreSQL: remove it and try again."
        )
