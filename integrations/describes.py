"""What Salesforce says of an object to one connection's user, kept for a day.

Flags and fields differ by user (field-level security), so the copy is per connection. It is dropped when Salesforce
calls it out of date (INVALID_FIELD and its kin).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from integrations.connections import client_for
from integrations.models import CachedDescribe, Connection
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.describe import Describe
from integrations.salesforce.organization import TaskStatus

KEPT_FOR = timedelta(hours=24)
STATUSES = "TaskStatus"


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """An object as this user sees it; `statuses` are the org's values of Task.Status (empty for an Event)."""

    describe: Describe
    statuses: tuple[TaskStatus, ...] = ()


def task_schema(connection: Connection) -> ObjectSchema:
    """The Task with the org's statuses. Two calls when nothing is cached. Raises SalesforceError."""
    reader = _Reader(connection)
    statuses = tuple(TaskStatus(*row) for row in reader.read(STATUSES, _statuses_to_json))
    return ObjectSchema(reader.describe("Task"), statuses)


def event_schema(connection: Connection) -> ObjectSchema:
    """The Event. One call when nothing is cached. Raises SalesforceError."""
    return ObjectSchema(_Reader(connection).describe("Event"))


def describe(
    connection: Connection, object_name: str, client: SalesforceClient | None = None, *, anew: bool = False
) -> Describe:
    """Any object. One call when nothing is cached or with `anew`. Raises SalesforceError; RecordGone when hidden."""
    return _Reader(connection, client, anew=anew).describe(object_name)


def drop(connection: Connection) -> None:
    """Forget what is cached for the connection, so that the next use asks again."""
    CachedDescribe.objects.filter(connection=connection).delete()


class _Reader:
    """Reads from the cache or, with one client made when it is first needed, from Salesforce."""

    def __init__(self, connection: Connection, client: SalesforceClient | None = None, *, anew: bool = False) -> None:
        self.connection, self.client, self.anew = connection, client, anew

    def describe(self, object_name: str) -> Describe:
        content = self.read(object_name, lambda client: client.describe(object_name).to_json())
        return Describe.from_json(content)

    def read(self, name: str, ask: Callable[[SalesforceClient], Any]) -> Any:
        fresh = CachedDescribe.objects.filter(
            connection=self.connection, object_name=name, fetched_at__gt=timezone.now() - KEPT_FOR
        )
        cached = None if self.anew else fresh.first()
        if cached:
            return cached.content
        self.client = self.client or client_for(self.connection)
        content = ask(self.client)
        CachedDescribe.objects.update_or_create(
            connection=self.connection,
            object_name=name,
            defaults={"content": content, "fetched_at": timezone.now()},
        )
        return content


def _statuses_to_json(client: SalesforceClient) -> list[list[Any]]:
    return [[each.value, each.label, each.is_closed, each.is_default] for each in client.task_statuses()]
