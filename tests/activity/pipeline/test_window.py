"""When what is reported becomes due."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.pipeline.window import end_of_window, window_seconds

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


# --- How long a window is

PERCENTS = st.none() | st.integers(0, 200)


@pytest.mark.parametrize(
    ("used", "expected"),
    [(None, 5), (0, 5), (49, 5), (50, 10), (69, 20), (70, 30), (84, 150), (85, 300), (100, 300), (140, 300)],
)
def test_it_widens_with_the_orgs_use(used, expected):
    assert window_seconds(5, used) == expected


@given(st.floats(0.1, 1000), PERCENTS, PERCENTS)
def test_it_never_shrinks_as_the_use_grows(seconds, one, other):
    less, more = sorted((one or 0, other or 0))
    assert seconds <= window_seconds(seconds, less) <= window_seconds(seconds, more) <= max(seconds, 300)


@given(PERCENTS)
def test_no_window_stays_none(used):
    assert window_seconds(0, used) == 0


@given(st.integers(1, 10**12), TIMES, st.floats(0.1, 60), PERCENTS)
def test_calls_a_day_keep_below_their_bound(connection_id, now, seconds, used):
    """Ends of windows are a window apart, so 86,400 / W of them fit into a day."""
    length = window_seconds(seconds, used)
    end = end_of_window(connection_id, now, length)
    following = end_of_window(connection_id, end, length)
    assert abs((following - end).total_seconds() - length) < 1e-5
