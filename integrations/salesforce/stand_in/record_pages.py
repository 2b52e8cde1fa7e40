"""Tables of records, and the page of one record."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .layout import button, lay_out, link_to, name_of, org_links, table
from .schema import Field
from .tables import Record

if TYPE_CHECKING:
    from .org import Org
    from .server import StandIn

ROWS_OF_A_PAGE = 50
# address: object, fields that are shown (the first one links to the record)
LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "/": ("Task", ("Subject", "WhoId", "WhatId", "OwnerId", "ActivityDate", "Status", "CreatedDate")),
    "/events": ("Event", ("Subject", "WhoId", "WhatId", "OwnerId", "StartDateTime", "EndDateTime", "Location")),
    "/contacts": ("Contact", ("Name", "Email", "AccountId", "Title", "OwnerId")),
    "/leads": ("Lead", ("Name", "Email", "Company", "Status", "OwnerId")),
    "/accounts": ("Account", ("Name", "Type", "OwnerId")),
    "/opportunities": ("Opportunity", ("Name", "AccountId", "StageName", "Amount", "CloseDate", "OwnerId")),
    "/users": ("User", ("Name", "Email", "Username", "IsActive", "TimeZoneSidKey")),
}
HEADS = {"WhoId": "Who", "WhatId": "What", "OwnerId": "Owner", "AccountId": "Account", "ActivityDate": "Date"}
WRITTEN_BY_US = ("Task", "Event")


def list_page(stand_in: StandIn, org: Org, path: str, page: int) -> str:
    """The records of an object, newest first; deleted ones are struck through."""
    object_name, fields = LISTS[path]
    known = org.objects[object_name]
    rows = org.rows(object_name, deleted=True)
    rows = rows[::-1] if object_name in WRITTEN_BY_US else rows
    shown = rows[(page - 1) * ROWS_OF_A_PAGE : page * ROWS_OF_A_PAGE]
    heads = [HEADS.get(name, known.fields[name].label) for name in fields]
    lines = [list_row(org, row, [known.fields[name] for name in fields]) for row in shown]
    live = sum(not row.get("IsDeleted") for row in rows)
    count = f"{live} {known.label.lower() if live == 1 else known.plural.lower()}"
    nothing = f"No {known.plural.lower()} yet. What Touchline logs appears here."
    more = f'<a href="{path}?page={page + 1}&amp;org={stand_in.orgs.index(org)}">Older ones</a>'
    body = f"""<h1>{known.plural} <small>in {escape(org.name)}: {count}</small></h1>
{table(heads, lines, nothing)}
{more if len(rows) > page * ROWS_OF_A_PAGE else ""}"""
    return lay_out(known.plural, body, current=path, orgs=org_links(stand_in, org, path))


def list_row(org: Org, row: Record, fields: list[Field]) -> str:
    """One line of such a table."""
    cells = [f'<td><a href="/{row["Id"]}">{escape(str(row.get(fields[0].name, "(none)")))}</a></td>']
    cells += [f"<td>{show_value(org, row, field)}</td>" for field in fields[1:]]
    look = ' class="gone"' if row.get("IsDeleted") else ""
    return f"<tr{look}>{''.join(cells)}</tr>"


def show_value(org: Org, row: Record, field: Field) -> str:
    """A field's value for people: names instead of ids, plain times."""
    value = row.get(field.name)
    if field.type == "boolean":
        return "yes" if value else "no"
    if value is None:
        return ""
    if field.type == "reference":
        return link_to(org, value)
    if field.type == "junctionidlist":
        return ", ".join(link_to(org, each) for each in value)
    if field.type == "datetime":
        return f"{value[:10]} {value[11:16]} UTC"
    return escape(f"{value:,.0f}" if isinstance(value, float) else str(value))


def record_page(stand_in: StandIn, org: Org, record_id: str) -> str:
    """All fields of a record, and what a person might do with it."""
    row = org.row(record_id)
    known = org.objects[org.object_of(record_id)]
    lines = [
        f"<tr><th scope=row>{escape(field.label)}<br><small>{field.name}</small></th>"
        f'<td class="text">{show_value(org, row, field)}</td></tr>'
        for field in known.fields.values()
    ]
    gone = ' <small class="bad">deleted</small>' if row.get("IsDeleted") else ""
    body = f"""<h1>{escape(name_of(org, record_id))}{gone}</h1>
<p class="soft">{known.label} {record_id} in {escape(org.name)}</p>
<div class="buttons">{"".join(record_buttons(stand_in, org, row))}</div>
<div class="scroll" tabindex="0"><table class="record"><tbody>{"".join(lines)}</tbody></table></div>"""
    return lay_out(name_of(org, record_id), body)


def record_buttons(stand_in: StandIn, org: Org, row: Record) -> list[str]:
    """What a person in Salesforce could do to this record."""
    record_id, back = row["Id"], f"/{row['Id']}"
    here = {"back": back, "org": stand_in.orgs.index(org)}
    name = org.object_of(record_id)
    if name == "User":
        active, email = row["IsActive"], row["Email"]
        switch = button(
            "Deactivate" if active else "Activate", scenario="deactivate_user", email=email, active=not active, **here
        )
        return [switch, button("Revoke Touchline's access", scenario="revoke_user", email=email, back=back)]
    if "d" not in org.objects[name].access:
        return []
    if row.get("IsDeleted"):
        return [button("Restore", scenario="restore", record_id=record_id, **here)]
    found = [button("Delete", scenario="remove", record_id=record_id, **here)]
    if name == "Lead" and not row.get("IsConverted"):
        found.append(button("Convert to a contact", scenario="convert_lead", lead_id=record_id, **here))
    locked = record_id in org.locked_rows
    text = "Let go of the lock" if locked else "Lock, as another transaction would"
    return [*found, button(text, scenario="lock_row", record_id=record_id, locked=not locked, **here)]
