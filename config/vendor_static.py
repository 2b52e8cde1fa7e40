"""Renews static/vendor from npm: `python -m config.vendor_static`. Needs npm; nothing else of the project does.

Every file is committed, and static/vendor/README.md names its package, version and SHA-256.
"""

import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
HTMX = "htmx.org@4.0.1"
COLORS = "@radix-ui/colors@3.0.0"
SCALES = ("slate", "iris", "green", "amber", "red", "blue")
README_HEAD = """# Code of others, kept as it came

Renewed by `python -m config.vendor_static`; do not edit by hand. `radix-colors.css` is generated: the scales that we
use, light and dark in one `light-dark()` value each.

| file | package | licence | SHA-256 |
|---|---|---|---|
"""


def fetch_package(package: str, folder: Path) -> Path:
    """Download `name@version` by npm into the folder and return the path of its unpacked content."""
    command = ["npm", "pack", "--silent", package]
    archive = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
    target = folder / archive.removesuffix(".tgz")
    with tarfile.open(folder / archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def read_scale(package: Path, name: str) -> dict[str, str]:
    """Read the sRGB values of one Radix scale, e.g. {"slate-1": "#fcfcfd", …}."""
    srgb = (package / f"{name}.css").read_text().partition("@supports")[0]
    return dict(re.findall(r"--([a-z]+-\d+): (#[0-9a-f]+);", srgb))


def make_palette(package: Path) -> str:
    """Write the scales that we use as custom properties that follow `color-scheme`."""
    lines = []
    for scale in SCALES:
        light, dark = read_scale(package, scale), read_scale(package, f"{scale}-dark")
        lines += [f"  --{step}: light-dark({light[step]}, {dark[step]});" for step in light]
    return f"/* {COLORS}, MIT */\n@layer tokens {{\n:root {{\n" + "\n".join(lines) + "\n}\n}\n"


def main() -> None:
    """Fetch both packages, write their files and the list of them."""
    with tempfile.TemporaryDirectory() as folder:
        htmx, colors = fetch_package(HTMX, Path(folder)), fetch_package(COLORS, Path(folder))
        files = {
            "htmx.min.js": (HTMX, "BSD-0-Clause", (htmx / "dist/htmx.min.js").read_bytes()),
            "hx-sse.min.js": (HTMX, "BSD-0-Clause", (htmx / "dist/ext/hx-sse.min.js").read_bytes()),
            "radix-colors.css": (COLORS, "MIT", make_palette(colors).encode()),
        }
    rows = []
    for name, (package, licence, content) in files.items():
        (VENDOR / name).write_bytes(content)
        rows.append(f"| `{name}` | {package} | {licence} | `{hashlib.sha256(content).hexdigest()}` |")
    (VENDOR / "README.md").write_text(README_HEAD + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
