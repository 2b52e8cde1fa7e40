"""docs/errors.md says what the error table says."""

import re
import subprocess
import sys
from pathlib import Path

from integrations.salesforce.error_docs import render_errors_page
from integrations.salesforce.errors import ERROR_TABLE

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "errors.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_errors_page(), (
        "run: python -m integrations.salesforce.error_docs > docs/errors.md"
    )


def test_every_row_of_the_table_stands_in_the_page_once() -> None:
    lines = re.findall(r"^\| `(\w+)`(?: \((OAuth)\))?", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(lines) == sorted((row.code, "OAuth" if row.source == "oauth" else "") for row in ERROR_TABLE)


def test_the_command_in_the_page_writes_the_page() -> None:
    command = [sys.executable, "-m", "integrations.salesforce.error_docs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60)

    assert done.stdout.decode("utf-8") == render_errors_page()
