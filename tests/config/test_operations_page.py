"""docs/operations.md names every environment variable that is read, and no other."""

import re

from config.env import FILE_VARIABLES
from tests.processes import ROOT

TABLE_ROW = re.compile(r"^\| (`[A-Z].*?) \|", re.MULTILINE)
NOT_FOR_OPERATORS = {"TEST_DB_SUFFIX"}


def read_settings_table() -> dict[str, bool]:
    """Variable -> whether the page says that it may be given as a file."""
    page = (ROOT / "docs/operations.md").read_text()
    rows = "\n".join(TABLE_ROW.findall(page.partition("\n## Settings")[2].partition("\n## ")[0]))
    return {name: bool(mark) for name, mark in re.findall(r"`([A-Z_]+)`( †)?", rows)}


def test_settings_table_is_complete():
    settings = (ROOT / "config/settings.py").read_text()
    gunicorn = (ROOT / "config/gunicorn.py").read_text()
    postgres = (ROOT / "config/postgres/__init__.py").read_text()
    read = {
        *re.findall(r'\benv\.\w+\("([A-Z_]+)"', settings),
        *re.findall(r"""environ\.get\(["']([A-Z_]+)["']""", gunicorn + postgres),
    }
    assert set(read_settings_table()) == read - NOT_FOR_OPERATORS


def test_settings_table_marks_what_may_be_a_file():
    assert {name for name, as_file in read_settings_table().items() if as_file} == set(FILE_VARIABLES)
