"""Record ids and their check letters."""

import pytest

from integrations.salesforce.stand_in.ids import id18, make_id

KNOWN = [
    "0015500001QdQWaAAN",
    "0015500001QdZPKAA3",
    "00D000000000001EAA",
    "005000000000001AAA",
    "701E0000000JuFHIA0",
    "0057e00000RmwSWAAZ",
]


@pytest.mark.parametrize("known", KNOWN)
def test_the_check_letters_of_known_ids(known: str) -> None:
    assert [id18(known[:15]), id18(known), id18(known[:15] + known[15:].lower())] == [known] * 3


@pytest.mark.parametrize(
    "text", ["", "0015500001QdQW", "0015500001QdQWaAAM", "0015500001QdQWa ", "0015500001QdQWé", "x" * 17]
)
def test_what_is_no_id(text: str) -> None:
    assert id18(text) is None


def test_made_ids_count_in_62_digits() -> None:
    assert [make_id("00T", "A1", number)[:15] for number in (1, 61, 62, 62**10 - 1)] == [
        "00TA10000000001",
        "00TA1000000000z",
        "00TA10000000010",
        "00TA1zzzzzzzzzz",
    ]
    assert len({make_id("00T", "A1", number) for number in range(5000)}) == 5000
