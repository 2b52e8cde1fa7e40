"""How often something may happen."""

from activity.tracking.buckets import Buckets


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_and_then_what_grows_back() -> None:
    clock = Clock()
    buckets = Buckets(per_second=2, burst=3, clock=clock)
    first = [buckets.take("a") for _ in range(4)]
    clock.now = 0.6
    after = [buckets.take("a") for _ in range(2)]
    clock.now = 3600
    full = [buckets.take("a") for _ in range(4)]

    assert (first, after, full) == ([True, True, True, False], [True, False], [True, True, True, False])


def test_each_key_has_its_own() -> None:
    buckets = Buckets(per_second=1, burst=1, clock=Clock())

    assert [buckets.take(key) for key in "abab"] == [True, True, False, False]


def test_memory_is_bounded() -> None:
    buckets = Buckets(per_second=0, burst=1, most=2, clock=Clock())

    assert [buckets.take(key) for key in "abcbca"] == [True, True, True, False, False, True]


def test_everything_can_be_forgotten() -> None:
    buckets = Buckets(per_second=0, burst=1, clock=Clock())
    buckets.take("a")
    buckets.clear()

    assert buckets.take("a")
