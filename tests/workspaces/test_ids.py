"""workspaces/ids.py: identifiers that sort by the time they were made."""

from datetime import UTC, datetime

import time_machine

from workspaces.ids import uuid7


def test_uuid7_is_one_of_rfc_9562():
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=UTC), tick=False):
        made = {uuid7() for _ in range(1000)}
    assert len(made) == 1000
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    milliseconds = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)
    assert {each.int >> 80 for each in made} == {milliseconds}


def test_later_ones_sort_behind():
    moments = [datetime(2026, 11, 23, 12, 0, 0, ms * 1000, tzinfo=UTC) for ms in range(20)]
    made = []
    for moment in moments:
        with time_machine.travel(moment, tick=False):
            made.append(uuid7())
    assert made == sorted(made)
