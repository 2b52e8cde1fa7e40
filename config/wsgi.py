"""The entry point of a WSGI server; config/gunicorn.py says how ours runs."""

import os

from django.core.wsgi import get_wsgi_application

from config.start_checks import check_before_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
check_before_start()
