"""`python -m integrations.salesforce.stand_in DATA_DIR`: the stand-in as a process of its own, without Django."""

import argparse
import sys
from pathlib import Path

from .playing import play


def write_line(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the options and play."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--https-port", type=int, default=0)
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--client-id", default="")
    parser.add_argument("--client-secret", default="")
    parser.add_argument("--app", action="append", default=[], help="an address of Touchline, to return to")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    play(
        options.data_dir,
        write=write_line,
        https_port=options.https_port,
        http_port=options.http_port,
        client_id=options.client_id,
        client_secret=options.client_secret,
        apps=options.app,
        is_quiet=options.quiet,
    )


if __name__ == "__main__":
    main()
