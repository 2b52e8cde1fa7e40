"""`manage.py rotate_encryption_keys`: seals everything with the first key of FIELD_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations import rotation, secrets

SHOWN_FAILURES = 10


class Command(BaseCommand):
    """Re-encrypts while the product runs; older keys may be taken away once nothing is left."""

    help = "Seal all tokens anew with the first key of FIELD_ENCRYPTION_KEYS, while the product runs."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run once more until nothing but failures is left. Raises CommandError when a text cannot be opened."""
        report = rotation.rotate()
        resealed = report.resealed
        while report.resealed and report.left > len(report.failures):
            report = rotation.rotate()
            resealed += report.resealed
        self.stdout.write(f'{resealed} sealed with the key "{secrets.keyring().writing_id}", {report.left} left.')
        if report.failures:
            shown = "\n".join(report.failures[:SHOWN_FAILURES])
            raise CommandError(f"{len(report.failures)} could not be opened:\n{shown}")
