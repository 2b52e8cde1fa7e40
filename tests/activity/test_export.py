"""The log as CSV, in chunks; the rest is seen through its page (views/test_log.py)."""

import csv
from datetime import timedelta

import pytest

from activity.export import as_text, write_csv
from activity.queries.log import LogFilters
from tests.activity.rows import NOON, make_job


@pytest.mark.parametrize("chunk", [1, 2, 5, 6])
def test_every_row_is_there_once_whatever_the_chunk(acme, ben_member, chunk):
    for second in range(5):
        make_job(ben_member, subject=f"Row {second}", created_at=NOON + timedelta(seconds=second // 2))

    lines = list(csv.reader(write_csv(acme, LogFilters(), ben_member, ben_member, chunk)))

    assert [line[5] for line in lines] == ["Subject", "Row 4", "Row 3", "Row 2", "Row 1", "Row 0"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("", ""),
        ("a=b", "a=b"),
        ("=a", "'=a"),
        ("'=a", "'=a"),
        ("\r=a", "'\r'=a"),
        ("Re: a; b", "Re: a; b"),
        ("x;=cmd|' /C calc'!A0;y", "x;'=cmd|' /C calc'!A0;y"),
        ("x;@SUM(A1)", "x;'@SUM(A1)"),
        ("x\t＝1", "x\t'＝1"),
    ],
)
def test_only_a_cell_that_would_be_run_is_marked(cell, text):
    assert as_text(cell) == text
