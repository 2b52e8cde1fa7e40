"""The watchdog over real clusters, with a database of their own: it is told the truth by killing processes."""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone
from django_q.signing import SignedPackage

from config.queue_watchdog.beats import Beats, is_alive
from tests.config.waiting import wait_until
from tests.processes import ROOT, own_database

LIMIT = 30


class Queue:
    """A queue with its watchdog: two workers, a stall limit of one second."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.log = folder / "queue.log"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": url,
            "QUEUE_WORKERS": "2",
            "LOG_LEVEL": "INFO",
        }

    def start(self, *arguments: str) -> None:
        with self.log.open("ab") as output:
            self.watchdog = subprocess.Popen(
                [sys.executable, "-m", "config.queue_watchdog", "--stall-limit=1", "--without-mailboxes", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def add(self, function: str, *arguments: object) -> None:
        """Queue a task as async_task does, in the cluster's database."""
        task = {"id": uuid.uuid4().hex, "name": function, "func": function, "args": arguments, "kwargs": {}}
        payload = SignedPackage.dumps(task | {"started": timezone.now()})
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO django_q_ormq (key, payload, lock) VALUES ('touchline', %s, now())", [payload]
            )

    def mark(self) -> Path:
        """Queue a task that leaves a mark, and return where it will be."""
        path = self.folder / f"mark{len(list(self.folder.iterdir()))}"
        self.add("tests.config.queue_tasks.leave_mark", str(path))
        return path

    def waits(self) -> list[timedelta]:
        """How long each task that is not done with stays out of reach; below zero it can be fetched."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT lock - now() FROM django_q_ormq").fetchall()
        return [wait for (wait,) in rows]

    def group(self) -> dict[int, int]:
        """Process id -> parent's id of the cluster below the watchdog."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(stat.parent.name)] = int(parent)

        def is_below(process: int) -> bool:
            while process := parents.get(process, 0):
                if process == self.watchdog.pid:
                    return True
            return False

        return {process: parent for process, parent in parents.items() if is_below(process)}

    def wait_until_up(self) -> None:
        """Two workers, monitor and pusher, below the sentinel, below the cluster's first process."""
        wait_until(lambda: len(self.group()) == 6)

    def children_of_sentinel(self) -> list[int]:
        """In the order of their birth: worker, worker, monitor, pusher."""
        parents = self.group()
        first = next(process for process, parent in parents.items() if parent == self.watchdog.pid)
        sentinel = next(process for process, parent in parents.items() if parent == first)
        return sorted(process for process, parent in parents.items() if parent == sentinel)


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    with own_database(f"queue_watchdog{os.environ.get('TEST_DB_SUFFIX', '')}") as url:
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": url}
        for command in (["migrate", "django_q"], ["createcachetable"]):
            subprocess.run([sys.executable, "manage.py", *command, "-v0"], cwd=ROOT, env=environment, check=True)
        yield url


@pytest.fixture
def queue(tmp_path: Path, database_url: str) -> Iterator[Queue]:
    queue = Queue(database_url, tmp_path)
    yield queue
    if queue.watchdog.poll() is None:
        members = queue.group()
        queue.watchdog.kill()
        for process in filter(is_alive, members):
            os.kill(process, signal.SIGKILL)
        queue.watchdog.wait()
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM django_q_ormq")


def test_a_worker_begins_with_all_that_its_tasks_need(queue, tmp_path):
    queue.start()
    told = tmp_path / "told"
    queue.add("tests.config.queue_tasks.tell_what_is_loaded", str(told))
    wait_until(lambda: told.exists() and told.read_text())
    assert told.read_text() == "True True"


def test_tasks_run_after_idle_worker_was_killed(queue):
    queue.start()
    queue.wait_until_up()
    wait_until(queue.mark().exists)
    for worker in queue.children_of_sentinel()[:2]:  # one of them waits with the lock in its hand
        os.kill(worker, signal.SIGKILL)
    swallowed = queue.mark()
    later = queue.mark()
    wait_until(later.exists, 15)
    wait_until(swallowed.exists, 15)
    assert "One of their processes died, and no task has begun since." in queue.log.read_text()


def test_tasks_run_after_whole_cluster_was_killed(queue):
    queue.start()
    queue.wait_until_up()
    for process in queue.group():
        os.kill(process, signal.SIGKILL)
    wait_until(queue.mark().exists, 15)
    assert "The queue's workers are started again. They ended." in queue.log.read_text()


def test_tasks_run_after_cluster_stopped_fetching(queue):
    queue.start()
    queue.wait_until_up()
    *_others, pusher = queue.children_of_sentinel()
    os.kill(pusher, signal.SIGSTOP)
    wait_until(queue.mark().exists, 15)
    assert "Due tasks were left lying." in queue.log.read_text()


def test_task_under_way_ends_before_the_stop(queue, tmp_path):
    queue.start()
    queue.wait_until_up()
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    queue.add("tests.config.queue_tasks.work", 2, str(begun), str(ended))
    wait_until(begun.exists)
    members = queue.group()
    queue.watchdog.terminate()
    assert queue.watchdog.wait(LIMIT) == 0
    assert ended.exists()
    assert [process for process in members if is_alive(process)] == []


def test_task_that_outlasts_the_grace_is_ended_and_free_for_others(queue, tmp_path):
    queue.start("--stop-grace=1")
    queue.wait_until_up()
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    queue.add("tests.config.queue_tasks.work", 60, str(begun), str(ended))
    wait_until(begun.exists)
    members = queue.group()
    queue.watchdog.terminate()
    assert queue.watchdog.wait(10) == 0
    assert not ended.exists()
    assert [process for process in members if is_alive(process)] == []
    assert len(queue.waits()) == 1
    assert queue.waits()[0] < timedelta(0)


def test_task_that_was_put_off_stays_put_off_when_the_cluster_is_killed(queue):
    queue.start()
    queue.wait_until_up()
    queue.add("tests.config.queue_tasks.leave_mark", str(queue.folder / "late"))
    with psycopg.connect(queue.url) as connection:
        connection.execute("UPDATE django_q_ormq SET lock = now() + interval '5 minutes'")
    for process in queue.group():
        os.kill(process, signal.SIGKILL)
    wait_until(queue.mark().exists, 15)
    wait_until(lambda: len(queue.waits()) == 1)  # the other is done with
    assert queue.waits()[0] > timedelta(minutes=4)


def test_cluster_ends_when_its_watchdog_was_killed(queue):
    queue.start()
    queue.wait_until_up()
    members = queue.group()
    queue.watchdog.kill()
    queue.watchdog.wait()
    wait_until(lambda: not any(map(is_alive, members)))


def test_beats_tell_births_tasks_and_deaths():
    beats = Beats()
    child = os.fork()
    if not child:
        beats.attach()
        from django_q.signals import post_execute_in_worker, pre_execute

        pre_execute.send(sender="django_q", func=None, task={})
        post_execute_in_worker.send(sender="django_q", func=None, task={})
        pre_execute.send(sender="django_q", func=None, task={})
        os._exit(0)
    beats.close_writer()
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # left as a zombie
    beats.read()
    assert (beats.members, list(beats.busy), beats.begun, beats.ended) == ({child}, [child], 2, {child: 1})
    assert beats.forget_dead() == {child}
    assert (beats.members, beats.busy) == (set(), {})
    os.waitpid(child, 0)
    beats.close_reader()
