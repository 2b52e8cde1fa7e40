"""`manage.py make_encryption_key`: prints an entry for FIELD_ENCRYPTION_KEYS."""

import base64
import secrets
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from integrations.secrets import KEY_BYTES


class Command(BaseCommand):
    """Makes a key; it runs before there is one, so it asks for no checks."""

    help = "Print a new `id:base64` entry. Put it first in FIELD_ENCRYPTION_KEYS, keep the older ones after it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the entry; its id is today's date and four letters."""
        key_id = f"k{timezone.now():%Y%m%d}{secrets.token_hex(2)}"
        self.stdout.write(f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}")
