"""Whose activities a request reports: members by their addresses, with all that decides what is logged for them.

One statement, because every report pays for it: the ORM asked eight times for the same.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model
from django.utils import timezone

from activity.models import LoggingSettings, MemberSettings
from activity.pipeline.arrays import as_array
from activity.pipeline.standing import Standing, standing_of
from activity.settings import EffectiveSettings, merge, rules_of
from config.prepared import cursor_for
from integrations.budget import FIGURE_HOLDS_FOR
from integrations.models import Connection, ConnectionState
from workspaces.models import Membership, Role, Workspace

M = TypeVar("M", bound=Model)

_READ = """
SELECT e.email, m.id, r.id, r.name, to_jsonb(s)::text, to_jsonb(o)::text, (
        SELECT json_agg(json_build_array(x.role_id IS NOT NULL, x.kind, x.value, x.is_override) ORDER BY x.id)::text
        FROM activity_exclusion x WHERE u.is_owner AND (x.role_id = m.role_id OR x.membership_id = m.id)
    ), c.id, c.state, c.cause, (
        SELECT y.state FROM integrations_salesforceorg g JOIN integrations_connection y ON y.id = g.sync_user_id
        WHERE g.workspace_id = %(workspace)s AND g.retired_at IS NULL
    ), (
        SELECT i.used::bigint * 100 / i.maximum
        FROM integrations_salesforceorg g JOIN integrations_apiusage i USING (org_id)
        WHERE g.id = c.org_id AND i.maximum > 0 AND i.seen_at > %(fresh)s
    ), u.is_owner
FROM account_emailaddress e
JOIN workspaces_user p ON p.id = e.user_id AND p.is_active
JOIN workspaces_membership m ON m.user_id = p.id AND m.workspace_id = %(workspace)s AND m.left_at IS NULL
JOIN workspaces_role r ON r.id = m.role_id
CROSS JOIN LATERAL (SELECT e.email = ANY(%(owners)s::text[])) AS u(is_owner)
LEFT JOIN activity_loggingsettings s ON s.role_id = m.role_id AND u.is_owner
LEFT JOIN activity_membersettings o ON o.membership_id = m.id AND u.is_owner
LEFT JOIN integrations_connection c ON c.membership_id = m.id AND c.disconnected_at IS NULL AND u.is_owner
WHERE e.email = ANY(%(addresses)s::text[]) AND e.verified
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """A member whose activities are reported; `pk` is the membership's.

    `used_percent` of the org's API calls for the day, None where nobody knows.
    """

    pk: int
    settings: EffectiveSettings
    standing: Standing
    used_percent: int | None


def read_owners(
    workspace: Workspace, owners: Collection[str], addresses: Collection[str]
) -> tuple[dict[str, Owner], frozenset[str]]:
    """The members whom the addresses `owners` belong to, by address; and which of all `addresses` are members'.

    Addresses are lower case; only verified ones of active people count, as for workspaces.members.find_members.
    """
    values = {"workspace": workspace.pk, "owners": as_array(owners), "addresses": as_array({*addresses, *owners})}
    values["fresh"] = timezone.now() - FIGURE_HOLDS_FOR
    with cursor_for(len(addresses)) as cursor:
        cursor.execute(_READ, values)
        rows = cursor.fetchall()
    found: dict[int, Owner] = {}
    by_address = {}
    for email, pk, *rest, is_owner in rows:
        if is_owner:
            by_address[email] = found.get(pk) or found.setdefault(pk, _owner(workspace, pk, *rest))
    return by_address, frozenset(row[0] for row in rows)


def _owner(
    workspace: Workspace,
    pk: int,
    role_id: int,
    role_name: str,
    of_role: str | None,
    of_member: str | None,
    exclusions: str | None,
    connection_id: int | None,
    state: str | None,
    cause: str | None,
    state_of_sync_user: str | None,
    used_percent: int | None,
) -> Owner:
    """From the columns of a row; the models are filled as far as decisions need them."""
    role_settings = _filled(LoggingSettings, of_role) or LoggingSettings(role_id=role_id)
    entries = json.loads(exclusions) if exclusions else ()
    member = Membership.from_db(None, ("id", "workspace_id", "left_at"), (pk, workspace.pk, None))
    member.role = Role.from_db(None, ("id", "name"), (role_id, role_name))
    return Owner(
        pk,
        merge(
            role_settings,
            _filled(MemberSettings, of_member) or MemberSettings(membership_id=pk),
            rules_of(*([tuple(entry) for is_of_role, *entry in entries if is_of_role == of] for of in (True, False))),
        ),
        standing_of(
            member,
            workspace,
            state_of_sync_user == ConnectionState.CONNECTED,
            is_confirmed=role_settings.confirmed_at is not None,
            own=Connection.from_db(None, ("id", "state", "cause"), (connection_id, state, cause))
            if connection_id
            else None,
        ),
        used_percent,
    )


def _filled(model: type[M], row: str | None) -> M | None:
    """The model of a row that came as JSON."""
    if row is None:
        return None
    columns, names = json.loads(row), [field.attname for field in model._meta.concrete_fields]
    return model.from_db(None, names, [columns[name] for name in names])
