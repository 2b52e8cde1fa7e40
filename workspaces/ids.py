"""Identifiers that leave the house: UUIDs of version 7 (RFC 9562 §5.7), which sort by the time they were made."""

import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a new UUID: 48 bits of Unix milliseconds, then 74 random bits. Not a secret (ASVS 11.5.1)."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (2**62 - 1)
    return uuid.UUID(int=value)
