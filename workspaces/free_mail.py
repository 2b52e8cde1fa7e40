"""Domains on which everybody may have an address, so that none of them is a company's own."""

from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("free_mail.txt")


def is_free_mail(domain: str) -> bool:
    """Whether the domain, or one above it, belongs to a public mail provider."""
    labels = domain.strip().lower().rstrip(".").split(".")
    return any(".".join(labels[start:]) in _domains() for start in range(len(labels) - 1))


@cache
def _domains() -> frozenset[str]:
    lines = LIST.read_text(encoding="utf-8").split()
    return frozenset(lines)
