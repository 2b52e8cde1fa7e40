"""A few threads with a database connection each, for the many threads that talk to mail servers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")


class Desk:
    """Runs functions one after the other in each of its threads; who asks waits for the answer."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def ask(self, do: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns or raises. RuntimeError when the desk is closed."""
        return self._pool.submit(_with_living_connection, do, args, kwargs).result()

    def close(self) -> None:
        """End when what was asked is done; the threads close their connections."""
        together = Barrier(self._threads)  # so that each thread gets one of these
        for _ in range(self._threads):
            self._pool.submit(_close_connections, together)
        self._pool.shutdown(wait=True)


def _with_living_connection(do: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    close_old_connections()
    try:
        return do(*args, **kwargs)
    finally:
        close_old_connections()


def _close_connections(together: Barrier) -> None:
    together.wait()
    connections.close_all()
