"""What people do in an org while we look away: delete, restore, convert, merge; and what Salesforce archives."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .tables import Record

if TYPE_CHECKING:
    from .org import Org


class Deeds:
    """The part of Org that people do in the browser. Each takes the org's lock."""

    def add(self: Org, object_name: str, **values: object) -> str:
        """Create a record by the rules, as the system user, and return its id; audit fields may be given."""
        audit = {key: values.pop(key) for key in ("CreatedDate", "CreatedById") if key in values}
        with self.lock:
            return self.create(self.system_user, self.view(self.system_user, object_name), values, audit)

    def change(self: Org, record_id: str, **values: object) -> None:
        """Change a record by the rules, as the system user: somebody edited it."""
        with self.lock:
            view = self.view(self.system_user, self.object_of(record_id))
            self.update(self.system_user, view, record_id, values)

    def remove(self: Org, record_id: str) -> None:
        """Somebody deletes a record: it lies in the Recycle Bin."""
        with self.lock:
            self.delete(self.system_user, self.view(self.system_user, self.object_of(record_id)), record_id)

    def restore(self: Org, record_id: str) -> None:
        """Somebody takes a record out of the Recycle Bin."""
        with self.lock:
            self._rewrite(self.row(record_id), {"IsDeleted": False}, self.system_user)

    def archive(self: Org, record_id: str) -> None:
        """Salesforce archives an old activity: only queryAll finds it."""
        with self.lock:
            self._rewrite(self.row(record_id), {"IsArchived": True}, None)

    def convert_lead(
        self: Org, lead_id: str, account_id: str | None = None, opportunity_name: str | None = None
    ) -> dict[str, str | None]:
        """Convert a lead into a contact of an account (a new one unless given), with an opportunity if named.

        The lead's activities move to the contact. Returns the new ids by "contact", "account", "opportunity".
        """
        with self.lock:
            lead = self.row(lead_id)
            account = account_id or self.add("Account", Name=lead["Company"])
            copied = {key: lead[key] for key in ("FirstName", "LastName", "Email", "Title", "Phone") if key in lead}
            contact = self.add("Contact", AccountId=account, **copied)
            opportunity = None
            if opportunity_name:
                opportunity = self._open_deal(opportunity_name, account, contact)
            converted: Record = {
                "IsConverted": True,
                "Status": "Closed - Converted",
                "ConvertedDate": self.now_text()[:10],
                "ConvertedContactId": contact,
                "ConvertedAccountId": account,
                "ConvertedOpportunityId": opportunity,
            }
            self._rewrite(lead, converted, self.system_user)
            self._move_activities("WhoId", lead_id, contact, opportunity or account)
            return {"contact": contact, "account": account, "opportunity": opportunity}

    def _open_deal(self: Org, name: str, account: str, contact: str) -> str:
        deal = self.add(
            "Opportunity",
            Name=name,
            AccountId=account,
            StageName="Prospecting",
            CloseDate=(self.now() + timedelta(days=30)).date().isoformat(),
        )
        self.add("OpportunityContactRole", OpportunityId=deal, ContactId=contact, IsPrimary=True)
        return deal

    def merge(self: Org, winner_id: str, loser_id: str) -> None:
        """Merge two contacts, leads or accounts: the loser is deleted and points to the winner."""
        with self.lock:
            self._rewrite(self.row(loser_id), {"IsDeleted": True, "MasterRecordId": winner_id}, self.system_user)
            if self.object_of(loser_id) == "Account":
                for contact in [row for row in self.rows("Contact") if row.get("AccountId") == loser_id]:
                    self._rewrite(contact, {"AccountId": winner_id}, self.system_user)
                self._move_activities("WhatId", loser_id, winner_id, None)
            else:
                self._move_activities("WhoId", loser_id, winner_id, None)

    def _move_activities(self: Org, field_name: str, old_id: str, new_id: str, what_id: str | None) -> None:
        for name in ("Task", "Event"):
            for row in [row for row in self.rows(name) if row.get(field_name) == old_id]:
                values: Record = {field_name: new_id}
                if what_id:
                    values["WhatId"] = what_id
                moved = {**row, **values}
                values["AccountId"] = self.account_of(moved.get("WhatId")) or self.account_of(moved.get("WhoId"))
                self._rewrite(row, values, self.system_user)
