"""The product's one door to an org's data: `SalesforceClient`.

Each method says in one line what it costs in API calls; what it does stands in the module that it calls. All
methods raise SalesforceError and nothing else, but for arguments that no org could take (ValueError,
TypeError). A client belongs to one thread, like its session; after a refresh make a new one with the new
token.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.salesforce import lookups, organization, people, writes
from integrations.salesforce.calls import Calls, Row
from integrations.salesforce.describe import Describe
from integrations.salesforce.errors import UnexpectedAnswer
from integrations.salesforce.http import SalesforceSession, send
from integrations.salesforce.lookups import CreatedPerson, FoundRecord, RecordState
from integrations.salesforce.organization import Organization, TaskPriority, TaskStatus
from integrations.salesforce.people import ContactOpportunity, Person
from integrations.salesforce.soql import check_object_name
from integrations.salesforce.writes import (
    RECORDS_IN_A_CALL,
    RECORDS_IN_A_COMPOSITE,
    RowResult,
    may_travel_in_composite,
)

API_VERSION = "62.0"


class SalesforceClient:
    """One org as one user sees it. `org_id` is carried along for callers (budget, logs)."""

    def __init__(
        self,
        instance_url: str,
        access_token: str,
        session: SalesforceSession,
        api_version: str = API_VERSION,
        org_id: str | None = None,
    ) -> None:
        """Raises HostNotAllowed when the session's host rule does not know `instance_url`."""
        self.calls = Calls(instance_url, access_token, session, api_version)
        self.api_version = api_version
        self.org_id = org_id

    @property
    def server_date(self) -> datetime | None:
        """Salesforce's clock at the last answer, UTC: for `since` of the look-ups."""
        return self.calls.session.server_date

    # --- the org

    def versions(self) -> list[str]:
        """The API versions that the instance speaks, such as "62.0". Not counted as a call, needs no token."""
        body = send(self.calls.session, "GET", f"{self.calls.base}/services/data").body
        try:
            return [entry["version"] for entry in body]
        except (TypeError, KeyError):
            pass
        raise UnexpectedAnswer("versions_malformed")

    def organization(self) -> Organization:
        """Edition, sandbox, time zone. One call."""
        return organization.read_organization(self.calls)

    def limits(self) -> dict[str, Any]:
        """Salesforce's own answer, `{"DailyApiRequests": {"Max": …, "Remaining": …}, …}`. One call.

        Needs the permission View Setup and Configuration.
        """
        return self.calls.call("GET", "limits") or {}

    def describe(self, object_name: str) -> Describe:
        """The object's fields as this user sees them. One call. RecordGone when the object is hidden from
        them.
        """
        return Describe.from_answer(self.calls.call("GET", f"sobjects/{check_object_name(object_name)}/describe"))

    def task_statuses(self) -> list[TaskStatus]:
        """The org's values of Task.Status, in order. One call."""
        return organization.read_task_statuses(self.calls)

    def task_priorities(self) -> list[TaskPriority]:
        """The org's values of Task.Priority, in order. One call."""
        return organization.read_task_priorities(self.calls)

    def permissions(self, names: Sequence[str]) -> dict[str, bool | None]:
        """The user's own permissions; None where the org does not know the name. One call, and one for each
        unknown.
        """
        return organization.read_permissions(self.calls, names)

    # --- matching

    def find_people(self, addresses: Sequence[str]) -> list[Person]:
        """Contacts and Leads by e-mail address, converted leads too. One call for 400 addresses."""
        return people.find_people(self.calls, addresses)

    def find_open_opportunities(
        self, contact_ids: Sequence[str], *, include_closed: bool = False
    ) -> list[ContactOpportunity]:
        """Opportunities in which the contacts have a role. One call for 1,000 contacts."""
        return people.find_open_opportunities(self.calls, contact_ids, include_closed=include_closed)

    def find_account_opportunities(
        self, account_ids: Sequence[str], *, include_closed: bool = False
    ) -> list[ContactOpportunity]:
        """Opportunities of the accounts, `contact_id` None. One call for 1,000 accounts."""
        return people.find_account_opportunities(self.calls, account_ids, include_closed=include_closed)

    def read_people(self, ids: Sequence[str]) -> list[Person]:
        """Contacts and Leads by id, those that the user may see. One call for 200 ids."""
        return people.read_people(self.calls, ids)

    def changes_since(self, object_name: str, since: datetime, *, limit: int = 10_000) -> list[Person]:
        """Contacts or Leads changed, deleted or merged since then, oldest first. One call for 2,000 rows."""
        return people.changes_since(self.calls, object_name, since, limit=limit)

    # --- writing

    def create_many(self, records: Sequence[Row]) -> list[RowResult]:
        """Creates up to 1,000 records, each with `attributes`; one result each, in order. One call."""
        return writes.create_many(self.calls, records)

    def create_person(
        self, object_name: str, fields: Row, *, allow_duplicates: bool = False, assignment_rules: bool = False
    ) -> str:
        """Creates one Contact or Lead, as the org's duplicate rules allow; its id. One call."""
        return writes.create_person(
            self.calls, object_name, fields, allow_duplicates=allow_duplicates, assignment_rules=assignment_rules
        )

    def update_many(self, records: Sequence[Row]) -> list[RowResult]:
        """Changes up to 1,000 records, each with `attributes` and `Id`; one result each, in order. One call."""
        return writes.update_many(self.calls, records)

    def delete_many(self, ids: Sequence[str]) -> list[RowResult]:
        """Moves up to 200 records to the Recycle Bin; one result each, in order. One call."""
        return writes.delete_many(self.calls, ids)

    # --- looking up after a lost answer

    def find_by_key(
        self, object_name: str, keys: Sequence[str], *, created_by: str, since: datetime
    ) -> list[FoundRecord]:
        """Tasks by our key in CallObject. One call for 1,000 keys."""
        return lookups.find_by_key(self.calls, object_name, keys, created_by=created_by, since=since)

    def find_by_marker(
        self,
        object_name: str,
        keys: Sequence[str],
        *,
        created_by: str,
        since: datetime,
        starts: Sequence[datetime] | None = None,
    ) -> list[FoundRecord]:
        """Tasks or Events by the marker in their description. One call for five start times, and one for each
        further 2,000 rows of the window.
        """
        return lookups.find_by_marker(
            self.calls, object_name, keys, created_by=created_by, since=since, starts=starts
        )

    def find_created_people(
        self, object_name: str, address: str, *, created_by: str, since: datetime
    ) -> list[CreatedPerson]:
        """Contacts or Leads with an address that a user created since then. One call."""
        return lookups.find_created_people(self.calls, object_name, address, created_by=created_by, since=since)

    def record_states(self, object_name: str, ids: Sequence[str]) -> dict[str, RecordState]:
        """Deleted? Changed when? By id. One call for 1,000 ids."""
        return lookups.record_states(self.calls, object_name, ids)

    def read_descriptions(self, object_name: str, ids: Sequence[str]) -> dict[str, str]:
        """What stands in the records' descriptions, by id. One call for 1,000 ids."""
        return lookups.read_descriptions(self.calls, object_name, ids)


__all__ = [
    "API_VERSION",
    "RECORDS_IN_A_CALL",
    "RECORDS_IN_A_COMPOSITE",
    "ContactOpportunity",
    "CreatedPerson",
    "Describe",
    "FoundRecord",
    "Organization",
    "Person",
    "RecordState",
    "RowResult",
    "SalesforceClient",
    "TaskPriority",
    "TaskStatus",
    "may_travel_in_composite",
]
