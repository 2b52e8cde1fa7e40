"""How often something may happen, counted in this process: a token bucket for each key."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable


class Buckets:
    """Lets each key `burst` times at once and `per_second` in the long run.

    Keys that were not seen for longest are forgotten beyond `most`, so that many keys need no more memory. `clock`
    tells seconds that only grow.
    """

    def __init__(
        self, per_second: float, burst: int, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_second
        self.burst = burst
        self.most = most
        self.clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> bool:
        """Whether the key may go on."""
        now = self.clock()
        with self._lock:
            left, since = self._left.pop(key, (float(self.burst), now))
            left = min(self.burst, left + (now - since) * self.per_second)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            if len(self._left) > self.most:
                self._left.popitem(last=False)
        return allowed

    def clear(self) -> None:
        """Forget every key."""
        with self._lock:
            self._left.clear()
