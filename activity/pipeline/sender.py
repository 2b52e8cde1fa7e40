"""For whom a drain sends, and what a record that is ready to send consists of."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils import timezone

from activity.models import ObjectType
from activity.pipeline.choose import MatchRules
from activity.pipeline.draft import Composed, Style
from activity.pipeline.jobs import Job, Logged
from activity.pipeline.results import Related
from activity.settings import EffectiveSettings, settings_for
from integrations import describes
from integrations.connections import client_for
from integrations.models import Connection, SalesforceOrg
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.errors import ConnectionLost
from workspaces.models import Membership

DIGEST_FIELDS = ("Subject", "StartDateTime", "EndDateTime", "Location", "ShowAs", "Description")


@dataclass(frozen=True, slots=True)
class Ready:
    """A record to send. `logged`: the record of ours that it changes; `related` None: the row has it already."""

    job: Job
    operation: str
    payload: dict[str, Any]
    related: Related | None = None
    logged: Logged | None = None
    account_id: str = ""

    @property
    def sort_key(self) -> tuple[str, str]:
        """By type (Salesforce takes ten runs of types), then by account, so that rows lock each other less."""
        return self.job.object_type.value, self.account_id or self.payload.get("WhoId", "")


@dataclass
class Sender:
    """For whom and by which settings a drain sends; all that costs something is made when it is first needed."""

    connection: Connection
    org: SalesforceOrg
    membership: Membership

    @cached_property
    def settings(self) -> EffectiveSettings:
        """The role's settings merged with the member's own."""
        return settings_for(self.membership)

    @property
    def salesforce_user_id(self) -> str:
        """The Salesforce user who owns and creates the records."""
        return self.connection.salesforce_user.user_id

    @cached_property
    def client(self) -> SalesforceClient:
        """The member's own client; raises ConnectionLost when it cannot be used."""
        return client_for(self.connection)

    @cached_property
    def reader(self) -> SalesforceClient:
        """The Sync User's client; raises ConnectionLost when it cannot be used."""
        if self.org.sync_user is None:
            raise ConnectionLost("no_sync_user")
        return client_for(self.org.sync_user)

    @cached_property
    def task_schema(self) -> describes.ObjectSchema:
        """The Task as the member may write it."""
        return describes.task_schema(self.connection)

    @cached_property
    def event_schema(self) -> describes.ObjectSchema:
        """The Event as the member may write it."""
        return describes.event_schema(self.connection)

    @cached_property
    def style(self) -> Style:
        """How records look."""
        return Style(self.settings.subject_templates, self.settings.body, self.org.use_call_object)

    @cached_property
    def rules(self) -> MatchRules:
        """How people and opportunities are chosen."""
        return MatchRules(
            related=self.settings.related,
            only_my_opportunities=self.settings.only_my_opportunities,
            only_with_contact_role=self.settings.only_with_contact_role,
            closed_opportunities=self.settings.closed_opportunities,
            person_preference=self.settings.person_preference,
            member_id=self.salesforce_user_id,
            today=timezone.now().date(),
        )

    def schema_of(self, object_type: ObjectType) -> describes.ObjectSchema:
        """The Task's or the Event's."""
        return self.event_schema if object_type == ObjectType.EVENT else self.task_schema

    def forget_describes(self) -> None:
        """Salesforce called them out of date."""
        describes.drop(self.connection)
        self.__dict__.pop("task_schema", None)
        self.__dict__.pop("event_schema", None)


def digest_of(record: dict[str, Any]) -> str:
    """SHA-256 of the fields of an Event that a later report can change; empty for a Task."""
    if record["attributes"]["type"] != ObjectType.EVENT:
        return ""
    content = [record.get(name) for name in DIGEST_FIELDS]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def build_trace(sender: Sender, composed: Composed) -> dict[str, Any]:
    """How a record was decided, for the drill-down."""
    return {
        "settings_version": sender.settings.version,
        "fields": [name for name in composed.record if name != "attributes"],
        "left_out": list(composed.left_out),
    }
