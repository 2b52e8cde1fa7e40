"""Array literals against PostgreSQL itself."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection as database
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from activity.models import SyncState
from activity.pipeline.arrays import as_array


def round_trip(values: list, type_name: str) -> list:
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT v FROM unnest(%s::{type_name}[]) WITH ORDINALITY AS t(v, n) ORDER BY n", [as_array(values)]
        )
        return [value for (value,) in cursor.fetchall()]


class TestTexts(TestCase):
    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))))
    def test_any_text(self, values):
        assert round_trip(values, "text") == values


MOMENT = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
IDS = [uuid.UUID(int=7), uuid.UUID(int=2**127)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("type_name", "values"),
    [
        ("text", ['a"b', "back\\slash\\", "{", "}", ",", "NULL", "", " ", "line\nbreak", None]),
        ("bigint", [1, -(2**62), None]),
        ("bool", [True, False, None]),
        ("uuid", IDS),
        ("timestamptz", [MOMENT, None, MOMENT.astimezone(timezone(timedelta(hours=-3, minutes=-30)))]),
    ],
)
def test_each_type(type_name, values):
    assert round_trip(values, type_name) == values


@pytest.mark.django_db
def test_choices_are_their_values():
    assert round_trip([SyncState.SYNCED, SyncState.HELD], "text") == ["synced", "held"]


def test_nothing():
    assert as_array([]) == "{}"
