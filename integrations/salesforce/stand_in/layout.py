"""The frame of every page, and its style sheet."""

from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("stand_in.css").read_bytes()
MENU = (
    ("/", "Tasks"),
    ("/events", "Events"),
    ("/contacts", "Contacts"),
    ("/leads", "Leads"),
    ("/opportunities", "Opportunities"),
    ("/users", "Users"),
    ("/grants", "Grants"),
    ("/usage", "API usage"),
    ("/faults", "Faults"),
)


def lay_out(title: str, body: str, *, current: str = "", narrow: bool = False) -> str:
    """Put a body into the frame; a narrow page has no menu."""
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if path == current else ""}>{name}</a>' for path, name in MENU
    )
    menu = "" if narrow else f"<nav>{links}</nav>"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Salesforce stand-in</title>
<link rel="stylesheet" href="/stand-in.css">
</head>
<body{' class="narrow"' if narrow else ""}>
<header><strong>Salesforce stand-in</strong><span>plays Salesforce here; nothing is real</span></header>
{menu}
<main>{body}</main>
</body>
</html>"""
