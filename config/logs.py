"""How the processes log: one line an event, JSON in production, readable in the demo; never a secret."""

import re
from typing import Any

import structlog

# Shapes of Salesforce's access and refresh tokens and of our API keys: a line that slips through is masked.
# The keys of our own links (invitation, verification, password) stand in the path of their page. What PostgreSQL adds
# to an error (DETAIL, CONTEXT) repeats the row's values: addresses, subjects.
SECRET_SHAPES = re.compile(
    r"00D[0-9A-Za-z]{12,15}![\w.]+|5Aep[\w.]+|tl_[\w-]{20,}|Bearer\s+\S+"
    r"|(?<=/invitations/)[\w-]{20,}|(?<=/confirm-email/)[^/\s]+|(?<=/reset/key/)[^/\s]+|(?<=/t/[ocd]/)[\w-]{20,}"
    r"|(?<=\nDETAIL:  )[^\n]+|(?<=\nCONTEXT:  )[^\n]+"
)


def mask_secrets(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace what looks like a token in any text value; the last net, not the first."""
    for key, value in event.items():
        if isinstance(value, str) and SECRET_SHAPES.search(value):
            event[key] = SECRET_SHAPES.sub("[secret]", value)
    return event


def configure(level: str, *, readable: bool) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING dictionary.

    level: a standard level name. readable: coloured lines for a terminal instead of JSON.
    """
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0)
        if readable
        else structlog.processors.JSONRenderer()
    )
    finish = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not readable:
        finish.append(structlog.processors.format_exc_info)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [*finish, mask_secrets, renderer],
            },
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"level": level},
            "django.server": {"level": "WARNING"},
            "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            "simple_salesforce": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "zeep": {"level": "WARNING"},
        },
    }
