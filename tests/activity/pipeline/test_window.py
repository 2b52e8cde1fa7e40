"""When what is reported becomes due."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from activity.pipeline.window import end_of_window

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TIMES = st.floats(0, 10**9).map(lambda seconds: NOON + timedelta(seconds=seconds))


@given(st.integers(1, 10**12), TIMES, st.floats(0.1, 300))
def test_nothing_waits_longer_than_a_window(connection_id, now, seconds):
    wait = end_of_window(connection_id, now, seconds) - now
    assert timedelta(0) < wait <= timedelta(seconds=seconds)


def test_what_comes_within_a_window_is_due_together():
    end = end_of_window(7, NOON, 10)
    moments = [end - timedelta(seconds=10) + timedelta(milliseconds=step) for step in range(1, 10_000, 7)]
    assert {end_of_window(7, moment, 10) for moment in moments} == {end}


def test_connections_end_their_windows_at_different_times():
    ends = sorted(end_of_window(number, NOON, 5).timestamp() for number in range(1, 101))
    gaps = [later - earlier for earlier, later in pairwise(ends)]
    assert max(gaps) < 0.15


def test_without_a_window_it_is_due_at_once():
    assert end_of_window(7, NOON, 0) == NOON
