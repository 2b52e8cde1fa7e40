"""The frame of every page, its style sheet, and the pieces that pages share."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .org import Org
    from .server import StandIn

STYLE = Path(__file__).with_name("stand_in.css").read_bytes()
MENU = (
    ("/", "Tasks"),
    ("/events", "Events"),
    ("/contacts", "Contacts"),
    ("/leads", "Leads"),
    ("/accounts", "Accounts"),
    ("/opportunities", "Opportunities"),
    ("/users", "Users"),
    ("/grants", "Grants"),
    ("/usage", "API usage"),
    ("/faults", "Faults"),
)


def lay_out(title: str, body: str, *, current: str = "", orgs: str = "", narrow: bool = False) -> str:
    """Put a body into the frame; a narrow page has no menu. `orgs` are the links to the other orgs."""
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if path == current else ""}>{name}</a>' for path, name in MENU
    )
    menu = "" if narrow else f'<nav aria-label="Pages">{links}</nav>'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Salesforce stand-in</title>
<link rel="stylesheet" href="/stand-in.css">
</head>
<body{' class="narrow"' if narrow else ""}>
<header><strong>Salesforce stand-in</strong><span>plays Salesforce here; nothing is real</span>{orgs}</header>
{menu}
<main>{body}</main>
</body>
</html>"""


def org_links(stand_in: StandIn, org: Org, path: str) -> str:
    """Links to the same page of each org."""
    links = "".join(
        f'<a href="{path}?org={number}"{" aria-current=page" if each is org else ""}>{escape(each.name)}</a>'
        for number, each in enumerate(stand_in.orgs)
    )
    return f'<nav class="orgs" aria-label="Orgs">{links}</nav>'


def table(heads: list[str], rows: list[str], nothing: str) -> str:
    """A table of ready rows, or a word where there are none."""
    if not rows:
        return f'<p class="soft">{escape(nothing)}</p>'
    head = "".join(f"<th scope=col>{escape(each)}</th>" for each in heads)
    inner = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="scroll" tabindex="0"><table>{inner}</table></div>'


def button(text: str, back: str, *, main: bool = False, **values: object) -> str:
    """A button that posts values to the control address and returns to a page."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(in_form(value))}">'
        for name, value in {**values, "back": back}.items()
    )
    look = ' class="main"' if main else ""
    return f'<form method="post" action="/stand-in/press">{hidden}<button{look}>{escape(text)}</button></form>'


def in_form(value: object) -> str:
    """A value as a hidden input holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def name_of(org: Org, record_id: object) -> str:
    """The name of a record, or its id."""
    kind = org.object_of(record_id) if isinstance(record_id, str) else None
    row = org.tables[kind].rows.get(record_id) if kind else None
    return str((row.get("Name") or row.get("Subject") or record_id) if row else record_id or "")


def link_to(org: Org, record_id: object) -> str:
    """A link to a record by its name; nothing for no record."""
    return f'<a href="/{escape(str(record_id))}">{escape(name_of(org, record_id))}</a>' if record_id else ""
