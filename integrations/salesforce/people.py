"""People and opportunities, read for matching: who an address belongs to, and what is open with them.

Comparison of addresses is Salesforce's: case does not matter. Rows that sharing hides are silently absent, so
"no match" can also mean "not visible to this user".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from integrations.salesforce.calls import Calls, Row, parse_rows, select_known_columns
from integrations.salesforce.ids import id18
from integrations.salesforce.soql import build_query, in_chunks, is_sendable, unique
from integrations.salesforce.times import parse_date, parse_time

ADDRESSES_IN_A_QUERY = 200
IDS_IN_A_QUERY = 200
EMAIL_LENGTH = 80
"""Contact.Email and Lead.Email hold no more, so a longer address belongs to nobody there."""

_PERSON = ("Id", "Email", "Name", "OwnerId", "CreatedDate", "SystemModstamp", "IsDeleted", "MasterRecordId")
_LEAD = (*_PERSON, "IsConverted", "ConvertedContactId")
# Columns that an admin may hide from a user; disjoint, so that a name tells which object is meant.
_CONTACT_OPTIONAL = ("AccountId", "Account.Name")
_LEAD_OPTIONAL = ("Company", "ConvertedAccountId", "ConvertedOpportunityId")

_OPPORTUNITY = ("Id", "Name", "IsClosed", "CloseDate", "OwnerId", "AccountId", "LastModifiedDate")
_OPPORTUNITY_OPTIONAL = ("Amount",)


@dataclass(frozen=True, slots=True)
class Person:
    """A Contact or Lead. `account_name` of a Lead is its Company. `modified_at` is SystemModstamp.

    A converted lead names what it became. A person that was merged into another is deleted, and
    `master_record_id` is the survivor. Times are in UTC, ids have 18 characters.
    """

    kind: str
    id: str
    email: str
    name: str
    account_id: str | None
    account_name: str
    owner_id: str
    is_converted: bool
    converted_contact_id: str | None
    converted_account_id: str | None
    converted_opportunity_id: str | None
    created_at: datetime
    modified_at: datetime
    is_deleted: bool = False
    master_record_id: str | None = None


@dataclass(frozen=True, slots=True)
class ContactOpportunity:
    """An opportunity as seen from a contact (through its role) or, without `contact_id`, from its account."""

    contact_id: str | None
    opportunity_id: str
    name: str
    is_closed: bool
    close_date: date
    owner_id: str
    account_id: str | None
    is_primary: bool
    amount: float | None
    last_modified: datetime


def find_people(calls: Calls, addresses: Sequence[str]) -> list[Person]:
    """Contacts and Leads (converted ones too) with one of the addresses: one API call for 400 addresses.

    Contacts come before Leads, each oldest first. Addresses that cannot be in Salesforce are passed over.
    """
    # Once for each spelling that differs in case alone: Salesforce compares without case.
    wanted = list({each.lower(): each for each in map(str.strip, addresses) if _can_match(each)}.values())
    chunks = [list(chunk) for chunk in in_chunks(wanted, ADDRESSES_IN_A_QUERY)]
    people: list[Person] = []
    # Two chunks are four queries: with a fifth, a Contact query would be parted from its Lead query.
    for pair in in_chunks(chunks, 2):
        people += select_known_columns(
            lambda optional, pair=pair: _query_people(calls, pair, optional),
            _CONTACT_OPTIONAL + _LEAD_OPTIONAL,
        )
    return sorted(people, key=lambda person: (person.kind, person.created_at, person.id))


def read_people(calls: Calls, ids: Sequence[str]) -> list[Person]:
    """The Contacts and Leads with one of up to 200 ids; who is deleted or out of this user's sight is missing.

    One API call.
    """
    by_kind = {
        kind: [each for each in unique(map(id18, ids)) if each.startswith(prefix)]
        for kind, prefix in (("Contact", "003"), ("Lead", "00Q"))
    }
    wanted = {kind: found for kind, found in by_kind.items() if found}

    def run(kept: list[str]) -> list[Person]:
        queries = [
            build_query(
                kind,
                (*_PEOPLE[kind][0], *(each for each in _PEOPLE[kind][1] if each in kept)),
                "WHERE Id IN {ids}",
                ids=found,
            )
            for kind, found in wanted.items()
        ]
        answers = calls.query_many(queries)
        return [
            person
            for kind, rows in zip(wanted, answers, strict=True)
            for person in parse_rows(_PEOPLE[kind][2], rows)
        ]

    return select_known_columns(run, _CONTACT_OPTIONAL + _LEAD_OPTIONAL) if wanted else []


def changes_since(calls: Calls, object_name: str, since: datetime, *, limit: int = 10_000) -> list[Person]:
    """Contacts or Leads changed, deleted or merged since a time, oldest change first; at most `limit`.

    Ask again from a little before the last `modified_at`: rows commit out of order, and a call that
    brought `limit` rows has left some for the next one. Raises ValueError for another object.
    """
    if object_name not in _PEOPLE:
        raise ValueError("people are a Contact or Lead")
    needed, optional, parse = _PEOPLE[object_name]

    def run(kept: list[str]) -> list[Row]:
        clauses = "WHERE SystemModstamp >= {since} ORDER BY SystemModstamp, Id LIMIT {limit}"
        query = build_query(object_name, (*needed, *kept), clauses, since=since, limit=limit)
        return calls.query(query, include_deleted=True)

    return parse_rows(parse, select_known_columns(run, optional))


def find_open_opportunities(
    calls: Calls, contact_ids: Sequence[str], *, include_closed: bool = False
) -> list[ContactOpportunity]:
    """Opportunities in which the contacts have a role; one entry for each contact and opportunity."""

    def run(kept: list[str]) -> list[list[Row]]:
        opportunity = [f"Opportunity.{column}" for column in (*_OPPORTUNITY, *kept)]
        clauses = "WHERE ContactId IN {ids}" + ("" if include_closed else " AND Opportunity.IsClosed = {closed}")
        columns = ("ContactId", "IsPrimary", *opportunity)
        return _query_by_ids(calls, "OpportunityContactRole", columns, clauses, contact_ids, include_closed)

    answers = select_known_columns(run, _OPPORTUNITY_OPTIONAL)
    # The role can be visible where the opportunity is not.
    seen = (row for rows in answers for row in rows if row.get("Opportunity"))
    return parse_rows(_role, seen)


def find_account_opportunities(
    calls: Calls, account_ids: Sequence[str], *, include_closed: bool = False
) -> list[ContactOpportunity]:
    """All opportunities of the accounts."""

    def run(kept: list[str]) -> list[list[Row]]:
        clauses = "WHERE AccountId IN {ids}" + ("" if include_closed else " AND IsClosed = {closed}")
        columns = (*_OPPORTUNITY, *kept)
        return _query_by_ids(calls, "Opportunity", columns, clauses, account_ids, include_closed)

    answers = select_known_columns(run, _OPPORTUNITY_OPTIONAL)
    return parse_rows(_opportunity, (row for rows in answers for row in rows))


def _can_match(address: str) -> bool:
    return "@" in address and len(address) <= EMAIL_LENGTH and is_sendable(address)


def _query_people(calls: Calls, chunks: Sequence[list[str]], optional: list[str]) -> list[Person]:
    shown = [
        (object_name, (*needed, *(column for column in hideable if column in optional)), parse)
        for object_name, (needed, hideable, parse) in _PEOPLE.items()
    ]
    queries = [
        build_query(object_name, columns, "WHERE Email IN {addresses}", addresses=chunk)
        for chunk in chunks
        for object_name, columns, _ in shown
    ]
    answers = calls.query_many(queries)
    parsers = [parse for _ in chunks for _, _, parse in shown]
    return [person for parse, rows in zip(parsers, answers, strict=True) for person in parse_rows(parse, rows)]


def _query_by_ids(
    calls: Calls,
    object_name: str,
    columns: Sequence[str],
    clauses: str,
    ids: Sequence[str],
    include_closed: bool,
) -> list[list[Row]]:
    closed = {} if include_closed else {"closed": False}
    return calls.query_many(
        [
            build_query(object_name, columns, clauses, ids=list(chunk), **closed)
            for chunk in in_chunks(unique(ids), IDS_IN_A_QUERY)
        ]
    )


def _contact(row: Row) -> Person:
    account = row.get("Account") or {}
    return Person(
        kind="Contact",
        account_id=row.get("AccountId"),
        account_name=account.get("Name") or "",
        is_converted=False,
        converted_contact_id=None,
        converted_account_id=None,
        converted_opportunity_id=None,
        **_common(row),
    )


def _lead(row: Row) -> Person:
    return Person(
        kind="Lead",
        account_id=None,
        account_name=row.get("Company") or "",
        is_converted=row["IsConverted"],
        converted_contact_id=row["ConvertedContactId"],
        converted_account_id=row.get("ConvertedAccountId"),
        converted_opportunity_id=row.get("ConvertedOpportunityId"),
        **_common(row),
    )


def _common(row: Row) -> Row:
    return {
        "id": row["Id"],
        "email": row["Email"] or "",
        "name": row["Name"] or "",
        "owner_id": row["OwnerId"],
        "created_at": parse_time(row["CreatedDate"]),
        "modified_at": parse_time(row["SystemModstamp"]),
        "is_deleted": row["IsDeleted"],
        "master_record_id": row["MasterRecordId"],
    }


def _role(row: Row) -> ContactOpportunity:
    return _opportunity(row["Opportunity"], contact_id=row["ContactId"], is_primary=row["IsPrimary"])


def _opportunity(row: Row, *, contact_id: str | None = None, is_primary: bool = False) -> ContactOpportunity:
    return ContactOpportunity(
        contact_id=contact_id,
        opportunity_id=row["Id"],
        name=row["Name"],
        is_closed=row["IsClosed"],
        close_date=parse_date(row["CloseDate"]),
        owner_id=row["OwnerId"],
        account_id=row["AccountId"],
        is_primary=is_primary,
        amount=row.get("Amount"),
        last_modified=parse_time(row["LastModifiedDate"]),
    )


_PEOPLE = {
    "Contact": (_PERSON, _CONTACT_OPTIONAL, _contact),
    "Lead": (_LEAD, _LEAD_OPTIONAL, _lead),
}
