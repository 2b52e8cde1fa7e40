"""How gunicorn serves the pages and the API: `make serve`.

Environment: BIND (127.0.0.1:8000; or only PORT), WEB_WORKERS (processes: the number of CPUs, at least 2),
WEB_THREADS (4; each keeps a connection to PostgreSQL), FORWARDED_ALLOW_IPS (the proxy's addresses, where
TRUSTED_PROXY_COUNT says that there is one).
"""

import gc
import os
from pathlib import Path
from typing import Any

from config import logs

_debug = os.environ.get("DEBUG", "").lower() in {"1", "true", "yes", "on"}
_level = os.environ.get("LOG_LEVEL", "INFO").upper()
_proxies = int(os.environ.get("TRUSTED_PROXY_COUNT") or 0)

wsgi_app = "config.wsgi:application"
bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 8000}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or max(2, len(os.sched_getaffinity(0))))
threads = int(os.environ.get("WEB_THREADS") or 4)
timeout = 60  # of a worker's sign of life; requests may take longer
graceful_timeout = 30
keepalive = 75  # longer than a proxy's idle time, so that it is the proxy that closes
max_requests = 20_000
max_requests_jitter = 2_000
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (signs of life, never on a disk)
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1") if _proxies else ""
control_socket_disable = True  # signals are enough
accesslog = None  # config.middleware.RequestLog writes the line, without query and body
logconfig_dict = logs.configure(_level, readable=_debug) | {
    "loggers": {"gunicorn.error": {"level": "WARNING" if _debug else _level, "propagate": True}}
}


def post_worker_init(worker: Any) -> None:
    """Take what is loaded out of the garbage collector's rounds, and make rounds rarer.

    500 reports are tens of thousands of small objects, none of them garbage before the answer is sent: a round over
    them and everything that is loaded cost as much as writing a tenth of them down.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
