"""The settings of the test suite: production's, with keys of its own and mail in memory."""

import os

os.environ |= {
    "DEBUG": "0",
    "SECRET_KEY": "a-key-for-tests-only-0123456789abcdefghijklmnopqrstuvwxyz",
    "FIELD_ENCRYPTION_KEYS": "t1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "BASE_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "EMAIL_URL": "locmem:",
    "LOG_LEVEL": "WARNING",
    "SALESFORCE_CLIENT_ID": "touchline-test-client",
    "SALESFORCE_CLIENT_SECRET": "canary-client-secret",
    "SALESFORCE_ALLOW_EXTRA_HOSTS": "1",
    "SYNC_BATCH_WINDOW": "0",
    "SYNC_CLOCK_TOLERANCE": "0",
}

from config.settings import *  # noqa: F403

EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True  # serves from static/, no collectstatic before a test
