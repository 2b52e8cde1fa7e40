"""Whom addresses belong to, read through the Sync User and remembered, so that a known address costs no call.

A batch costs two or three calls for hundreds of addresses: Contacts and Leads, the opportunities of the Contacts,
and, where a role wants them, those of the Accounts. What decides between several is choose.py.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from activity.models import KnownPerson, LoggingSettings
from activity.pipeline.arrays import as_array
from activity.pipeline.choose import Candidate, Opportunity
from activity.pipeline.statements import run
from integrations.salesforce.client import ContactOpportunity, Person, SalesforceClient
from workspaces.models import Workspace

HIT_HOLDS_FOR = timedelta(hours=24)
MISS_HOLDS_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Known:
    """The people with an address; `chosen_id`: the one that a person picked, or empty."""

    candidates: tuple[Candidate, ...] = ()
    chosen_id: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which opportunities the roles of a workspace can ask for."""

    closed: bool = False
    of_accounts: bool = False


def find_known(workspace: Workspace, addresses: Collection[str], now: datetime) -> dict[str, Known]:
    """What is remembered and still fresh, by address. No call."""
    rows = KnownPerson.objects.filter(workspace=workspace, address__any=addresses)
    known = {}
    for address, candidates, chosen_id, fetched_at in rows.values_list(
        "address", "candidates", "chosen_id", "fetched_at"
    ):
        if now - fetched_at < (HIT_HOLDS_FOR if candidates else MISS_HOLDS_FOR):
            known[address] = Known(tuple(Candidate.from_json(each) for each in candidates), chosen_id)
    return known


def find_people(
    workspace: Workspace, addresses: Collection[str], client: SalesforceClient, now: datetime
) -> dict[str, Known]:
    """Ask Salesforce for the addresses (lower case) and remember the answers; raises SalesforceError.

    `client` is the Sync User's. One call for 400 addresses, and one for 1,000 Contacts found (two where a role
    relates to opportunities of the Account without a contact role).
    """
    wanted = list(dict.fromkeys(addresses))
    if not wanted:
        return {}
    people = client.find_people(wanted)
    by_address = _candidates_by_address(people)
    with_deals = _add_opportunities(by_address, client, scope_of(workspace))
    return _remember(workspace, wanted, with_deals, now)


def scope_of(workspace: Workspace) -> Scope:
    """What any role of the workspace wants to relate to."""
    rows = LoggingSettings.objects.filter(role__workspace=workspace)
    wanted = list(rows.values_list("closed_opportunities", "only_with_contact_role"))
    return Scope(any(closed for closed, _ in wanted), any(not only for _, only in wanted))


def forget_people(workspace: Workspace, addresses: Iterable[str] | None = None) -> None:
    """Let the next match ask again for these addresses, or for all of them. A person's choice is kept."""
    stale = datetime(2000, 1, 1, tzinfo=UTC)
    known = KnownPerson.objects.filter(workspace=workspace)
    if addresses is not None:
        known = known.filter(address__in=list(addresses))
    known.update(fetched_at=stale)


def _candidates_by_address(people: Sequence[Person]) -> dict[str, list[Candidate]]:
    """Contacts and open Leads by address; a converted Lead stands for the Contact that it became."""
    found: dict[str, dict[str, Candidate]] = defaultdict(dict)
    for person in people:
        candidate = _candidate(person)
        if candidate is not None and candidate.id not in found[person.email.lower()]:
            found[person.email.lower()][candidate.id] = candidate
    return {address: list(candidates.values()) for address, candidates in found.items()}


def _candidate(person: Person) -> Candidate | None:
    if person.is_deleted:
        return None
    if not person.is_converted:
        return Candidate(
            kind=person.kind,
            id=person.id,
            name=person.name,
            owner_id=person.owner_id,
            account_id=person.account_id or "",
            account_name=person.account_name,
        )
    if person.converted_contact_id is None:
        return None
    return Candidate(
        kind="Contact",
        id=person.converted_contact_id,
        name=person.name,
        owner_id=person.owner_id,
        account_id=person.converted_account_id or "",
        account_name=person.account_name,
        from_lead=person.id,
    )


def _add_opportunities(
    by_address: dict[str, list[Candidate]], client: SalesforceClient, scope: Scope
) -> dict[str, list[Candidate]]:
    contacts = [each for found in by_address.values() for each in found if each.kind == "Contact"]
    if not contacts:
        return by_address
    ids = list(dict.fromkeys(each.id for each in contacts))
    roles = client.find_open_opportunities(ids, include_closed=scope.closed)
    of_contact: dict[str, dict[str, Opportunity]] = defaultdict(dict)
    for each in roles:
        of_contact[each.contact_id or ""][each.opportunity_id] = _opportunity(each, through_role=True)
    of_account: dict[str, list[Opportunity]] = defaultdict(list)
    accounts = list(dict.fromkeys(each.account_id for each in contacts if each.account_id))
    if scope.of_accounts and accounts:
        for each in client.find_account_opportunities(accounts, include_closed=scope.closed):
            of_account[each.account_id or ""].append(_opportunity(each, through_role=False))
    return {
        address: [_with_opportunities(each, of_contact, of_account) for each in found]
        for address, found in by_address.items()
    }


def _with_opportunities(
    candidate: Candidate,
    of_contact: dict[str, dict[str, Opportunity]],
    of_account: dict[str, list[Opportunity]],
) -> Candidate:
    own = of_contact.get(candidate.id, {}) if candidate.kind == "Contact" else {}
    others = of_account.get(candidate.account_id, ()) if candidate.kind == "Contact" else ()
    return replace(candidate, opportunities=(*own.values(), *(each for each in others if each.id not in own)))


def _opportunity(found: ContactOpportunity, *, through_role: bool) -> Opportunity:
    return Opportunity(
        id=found.opportunity_id,
        name=found.name,
        is_closed=found.is_closed,
        close_date=found.close_date.isoformat(),
        owner_id=found.owner_id,
        last_modified=found.last_modified.isoformat(),
        is_primary=found.is_primary,
        through_role=through_role,
    )


_REMEMBER = """
INSERT INTO activity_knownperson AS k (workspace_id, address, candidates, chosen_id, fetched_at)
SELECT %(workspace)s, v.address, v.candidates::jsonb, '', %(now)s
FROM unnest(%(addresses)s::text[], %(contents)s::text[]) AS v(address, candidates) ORDER BY address
ON CONFLICT (workspace_id, address) DO UPDATE
SET candidates = CASE
        WHEN k.chosen_id = '' OR excluded.candidates @> jsonb_build_array(jsonb_build_object('id', k.chosen_id))
            THEN excluded.candidates
        ELSE excluded.candidates || COALESCE(
            jsonb_path_query_array(k.candidates, '$[*] ? (@.id == $id)', jsonb_build_object('id', k.chosen_id)), '[]')
    END, fetched_at = excluded.fetched_at
RETURNING address, candidates, chosen_id
"""


def _remember(
    workspace: Workspace, addresses: Sequence[str], found: dict[str, list[Candidate]], now: datetime
) -> dict[str, Known]:
    """Keep hits and misses; the record that a person chose for an address stays among its candidates."""
    contents = [json.dumps([each.to_json() for each in found.get(address, ())]) for address in addresses]
    values = {"workspace": workspace.pk, "now": now, "addresses": as_array(addresses), "contents": as_array(contents)}
    rows = run(_REMEMBER, values)
    return {
        address: Known(tuple(Candidate.from_json(each) for each in _parsed(candidates)), chosen_id)
        for address, candidates, chosen_id in rows
    }


def _parsed(value: str | list[dict]) -> list[dict]:
    """Raw cursors give jsonb as text: Django reads it itself."""
    return json.loads(value) if isinstance(value, str) else value
