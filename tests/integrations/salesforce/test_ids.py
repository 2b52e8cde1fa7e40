"""Record ids in their 18-character form."""

import re
from pathlib import Path

import pytest

from integrations.salesforce.ids import id18
from tests.integrations.salesforce.recorded import RECORDED, needs_recordings


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("005000000000001", "005000000000001AAA"),
        ("00Dx0000000BV7z", "00Dx0000000BV7zEAG"),
        ("003RM0000068xVC", "003RM0000068xVCYAY"),
        ("ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNO555"),
    ],
)
def test_short_ids_get_their_check_letters(short: str, long: str) -> None:
    assert id18(short) == long
    assert id18(long) == long
    assert id18(short + long[15:].lower()) == long


@needs_recordings
def test_every_recorded_id_is_its_own_long_form() -> None:
    pattern = re.compile(r'"(0(?:0[135Q6UTDk]|0K)[A-Za-z0-9]{12}[A-Z0-5]{3})"')
    texts = [Path(path).read_text(encoding="utf-8") for path in RECORDED.rglob("*.json")]
    found = {record_id for text in texts for record_id in pattern.findall(text)}
    invented = {"00D0xORGID00000000"}  # put in by hand when the recording was made anonymous

    assert len(found) >= 6
    assert [record_id for record_id in sorted(found - invented) if id18(record_id) != record_id] == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "005",
        "0050000000000010",
        "005000000000001AAB",
        "005-00000000001",
        "００5000000000001",
        "x" * 19,
        "005000000000001\n",
        None,
        5,
        b"005000000000001",
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a Salesforce id"):
        id18(value)
