"""The embedded PostgreSQL: real servers in folders of their own, started, killed and found again."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import postgres
from config.postgres.homes import SYSTEM_HOME, locate_server
from config.postgres.programs import find_programs
from config.postgres.server import DIRECTORY_LIMIT, PostgresUnavailable, Server, check_private
from config.queue_watchdog.beats import is_alive
from tests.config.waiting import wait_until
from tests.processes import ROOT


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every account may enter, as most checkouts are."""
    path = Path(tempfile.mkdtemp(prefix="touchline-tests-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def base(folder: Path) -> Iterator[Path]:
    """Where one server lives that the tests of this module share, one after the other."""
    path = folder / "postgres"
    yield path
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_POSTGRES_DIR", str(path))
        postgres.stop()


@pytest.fixture
def url(base: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("EMBEDDED_POSTGRES_DIR", str(base))
    return postgres.ensure_running()


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    return row[0] if row else None


def run_cli(*arguments: str, base: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "config.postgres", *arguments],
        cwd=ROOT,
        env={**os.environ, "EMBEDDED_POSTGRES_DIR": str(base)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_four_processes_at_once_get_one_server(base):
    starts = [run_cli("start", base=base) for _ in range(4)]
    said = [start.communicate(timeout=60) for start in starts]
    url = locate_server(base).url
    assert said == [(f"{url}\n", "")] * 4
    assert [start.returncode for start in starts] == [0] * 4
    assert ask(url, "SELECT count(*) FROM pg_database WHERE datname = 'touchline'") == 1


def test_server_is_reached_by_its_private_socket_alone(url, base):
    assert ask(url, "SHOW listen_addresses") == ""
    assert stat.S_IMODE((base / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((base / "data").stat().st_mode) == 0o700


def test_trigrams_know_letters_beyond_ascii(url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        asked = connection.execute("SELECT cardinality(show_trgm('é')), 'É' ILIKE 'é'")
        assert asked.fetchone() == (2, True)
        connection.rollback()


def test_settings_are_those_that_keep_data_safe(url):
    assert [ask(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "max_connections")] == [
        "on",
        "on",
        "200",
    ]


def test_killed_server_is_started_again_with_its_data(url, base):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postmaster = int((base / "data/postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: not is_alive(postmaster))
    assert postgres.ensure_running() == url
    assert ask(url, "SELECT answer FROM kept") == 42


def test_killed_server_that_nobody_reaps_is_started_again(url, base):
    script = """
import ctypes, os, signal, time
from pathlib import Path
from config import postgres
from config.queue_watchdog.beats import is_alive

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
url = postgres.ensure_running()
postmaster = int((Path(os.environ["EMBEDDED_POSTGRES_DIR"]) / "data/postmaster.pid").read_text().split()[0])
os.kill(postmaster, signal.SIGKILL)
while is_alive(postmaster):
    time.sleep(0.01)
assert Path(f"/proc/{postmaster}").exists(), "it is no zombie"
print(postgres.ensure_running() == url)
postgres.stop()
"""
    postgres.stop()
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_server_whose_socket_was_removed_is_started_again(url, base):
    (base / "run/.s.PGSQL.5432").unlink()
    assert postgres.running_url() is None
    assert postgres.ensure_running() == url
    assert ask(url, "SELECT 1") == 1


def test_server_is_released_when_nobody_is_connected(url, base):
    with psycopg.connect(url):
        assert run_cli("release", base=base).communicate() == ("", "")
        assert postgres.running_url() == url
    assert run_cli("release", base=base).communicate() == ("", "")
    assert postgres.running_url() is None


def test_stopped_server_is_said_to_be_stopped(url, base):
    done = run_cli("stop", base=base)
    assert done.communicate() == ("", "PostgreSQL is stopped.\n")
    done = run_cli("status", base=base)
    assert done.communicate() == ("", "PostgreSQL is not running.\n")
    assert done.returncode == 3


def test_data_of_a_missing_version_are_left_alone(url, base):
    postgres.stop()
    version_file = base / "data/PG_VERSION"
    version = version_file.read_text()
    version_file.write_text("9\n")
    try:
        with pytest.raises(PostgresUnavailable) as caught:
            postgres.ensure_running()
    finally:
        version_file.write_text(version)
    assert str(caught.value).startswith(f"The database in {base} was made by PostgreSQL 9, and only 18 ")
    assert str(caught.value).endswith(
        "install the package postgresql-9, or move that folder away to start with no data."
    )


def test_server_that_cannot_start_says_why(url, base):
    postgres.stop()
    settings = base / "data/postgresql.conf"
    good = settings.read_text()
    settings.write_text(f"{good}\nno_such_setting = 1\n")
    try:
        with pytest.raises(PostgresUnavailable) as caught:
            postgres.ensure_running()
    finally:
        settings.write_text(good)
    assert str(caught.value) == (
        f'PostgreSQL did not start: configuration file "{base}/data/postgresql.conf" contains errors '
        f"(more in {base}/data/server.log)."
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_keeps_the_data_elsewhere_when_the_account_cannot_enter(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    base = tmp_path / "postgres"
    monkeypatch.setenv("EMBEDDED_POSTGRES_DIR", str(base))
    try:
        url = postgres.ensure_running()
        home = locate_server(base).home
        assert home.parent == SYSTEM_HOME
        assert ask(url, "SELECT current_database()") == "touchline"
        assert postgres.ensure_running() == url
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    finally:
        postgres.stop()
        shutil.rmtree(locate_server(base).home)


def test_socket_of_a_long_path_is_elsewhere():
    near = Server(Path("/") / ("x" * (DIRECTORY_LIMIT - len("//run"))), None)
    far = Server(Path("/") / ("x" * (DIRECTORY_LIMIT - len("//run") + 1)), None)
    odd = Server(Path("/a b"), None)
    assert near.socket_directory == near.home / "run"
    assert far.socket_directory.parent == odd.socket_directory.parent == Path("/tmp")
    assert far.socket_directory != odd.socket_directory


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o777])
def test_directory_that_others_may_enter_is_refused(tmp_path, mode):
    directory = tmp_path / "run"
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(PostgresUnavailable, match="is not a private directory"):
        check_private(directory, os.geteuid())


def test_directory_of_another_account_and_link_are_refused(tmp_path):
    (tmp_path / "run").mkdir(mode=0o700)
    check_private(tmp_path / "run", os.geteuid())
    with pytest.raises(PostgresUnavailable, match="is not a private directory"):
        check_private(tmp_path / "run", os.geteuid() + 1)
    (tmp_path / "link").symlink_to("run")
    with pytest.raises(PostgresUnavailable, match="is not a private directory"):
        check_private(tmp_path / "link", os.geteuid())


def test_programs_are_those_of_the_wheel(base):
    programs = find_programs(locate_server(base))
    assert (programs.major, programs.directory.name) == (18, "bin")
