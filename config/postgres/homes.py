"""Where an embedded server lives, and as whom: the checkout where that works, else /var/lib/touchline."""

import fcntl
import os
import pwd
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.postgres.errors import PostgresUnavailable
from config.postgres.server import Server

SYSTEM_HOME = Path("/var/lib/touchline")
NOTE = "moved-to"


def locate_server(base: Path) -> Server:
    """The server of the folder `base`, made or not; follows the note that leads to /var/lib/touchline."""
    try:
        home = Path((base / NOTE).read_text().strip())
    except OSError:
        home = base
    return Server(home, choose_account(home) if os.geteuid() == 0 else None)


def settle(base: Path) -> Server:
    """The server of `base`, given a home in /var/lib/touchline where its account cannot enter `base`.

    To be called under the lock.
    """
    server = locate_server(base)
    if not server.account or server.data.exists() or server.run("test", "-x", base).returncode == 0:
        return server
    home = SYSTEM_HOME / uuid.uuid4().hex[:12]  # a new name: a clone made later at the same path starts empty
    make_open_directory(home)
    (base / NOTE).write_text(f"{home}\n")
    say(f"The account {server.account.pw_name} cannot enter {base}, so the database is kept in {home}.")
    return Server(home, server.account)


def choose_account(home: Path) -> pwd.struct_passwd:
    """Whom root runs the server as: the owner of existing data, else `postgres`, else `nobody`."""
    try:
        owner = pwd.getpwuid((home / "data").stat().st_uid)
        if owner.pw_uid != 0:
            return owner
    except (OSError, KeyError):
        pass
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' to run it as: "
        "start this as an ordinary user."
    )


@contextmanager
def hold_lock(base: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server of `base`; creates the folder."""
    try:
        make_open_directory(base)
        handle = os.open(base / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PostgresUnavailable(
            f"The folder {base} for the database cannot be written ({error.strerror}): "
            "set EMBEDDED_POSTGRES_DIR to a folder of your own."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def make_open_directory(path: Path) -> None:
    """Create `path` and what is missing above it, for everyone to enter whatever the umask.

    Directories that exist keep their mode: opening somebody's home is not ours to do.
    """
    for part in reversed([path, *path.parents]):
        try:
            part.mkdir()
        except FileExistsError:
            continue
        part.chmod(0o755)


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"{sentence}\n")
