"""Recorded answers of Salesforce. They lie beside the repository, not in it; without them their tests are
skipped.
"""

import json
from pathlib import Path
from typing import Any

import pytest

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "salesforce" / "recorded"

needs_recordings = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not on this machine")


def read_recording(name: str) -> Any:
    """The parsed JSON of one file; an empty list where there are no recordings, so that tests can be
    collected.
    """
    path = RECORDED / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
