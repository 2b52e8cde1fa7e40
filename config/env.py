"""What the operator says by environment variables, read once, every fault listed at once.

A secret may be given in a file: `SECRET_KEY_FILE=/run/secrets/key` instead of `SECRET_KEY`.
"""

import os
from pathlib import Path

from environs import Env

FILE_VARIABLES = (
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "SALESFORCE_CLIENT_SECRET",
    "MAILBOX_GOOGLE_CLIENT_SECRET",
    "MAILBOX_MICROSOFT_CLIENT_SECRET",
    "EMAIL_URL",
    "DATABASE_URL",
)


def read_secret_files() -> None:
    """Put the content of each `…_FILE` into its variable, unless that is set already.

    Raises OSError, naming the file, when it cannot be read: a process must not start with half its secrets.
    """
    for name in FILE_VARIABLES:
        path = os.environ.get(f"{name}_FILE")
        if path and not os.environ.get(name):
            os.environ[name] = Path(path).read_text(encoding="utf-8").strip()


read_secret_files()
env = Env(eager=False)
