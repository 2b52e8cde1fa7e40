"""What is on file of the things that a request reports."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from activity.models import Kind, Source
from activity.pipeline.arrays import as_array
from config.prepared import cursor_for
from workspaces.models import Workspace

MailKey = tuple[int, str, bool]
"""Owner, Message-ID, and whether the owner sent it: one activity each."""

_READ = """
SELECT 'report', source_id, digest, activity_uuid, NULL::bigint, NULL::text[] FROM activity_ledgerentry
WHERE workspace_id = %(workspace)s AND source = %(source)s AND source_id = ANY(%(reports)s::text[])
UNION ALL
SELECT 'mail', m.message_id, a.kind, a.uuid, a.owner_id, NULL
FROM activity_message m JOIN activity_activity a ON a.message_id = m.id AND a.kind IN ('sent', 'received', 'replied')
WHERE m.workspace_id = %(workspace)s AND m.message_id = ANY(%(mails)s::text[])
UNION ALL
SELECT 'message', m.message_id, m.subject, NULL, m.id,
       ARRAY(SELECT address FROM activity_participant WHERE message_id = m.id AND role <> 'from' ORDER BY id)
FROM activity_message m WHERE m.workspace_id = %(workspace)s AND m.message_id = ANY(%(messages)s::text[])
"""


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """What is on file of a message: its id there, what it is about, whom it went to."""

    pk: int
    subject: str
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OnFile:
    """Reports by the source's id (digest and activity), activities of mails, and messages by Message-ID."""

    reports: dict[str, tuple[str, UUID]]
    mails: dict[MailKey, UUID]
    messages: dict[str, KnownMessage]

    @property
    def sent(self) -> set[str]:
        """The mails that somebody of the workspace sent."""
        return {message_id for _, message_id, is_sent in self.mails if is_sent}


def read_on_file(
    workspace: Workspace,
    source: Source,
    *,
    reports: Collection[str] = (),
    mails: Collection[str] = (),
    messages: Collection[str] = (),
) -> OnFile:
    """Look up `reports` by the source's id, activities of `mails` and `messages` by Message-ID; one statement."""
    values = {
        "workspace": workspace.pk,
        "source": source.value,
        "reports": as_array(reports),
        "mails": as_array(mails),
        "messages": as_array(messages),
    }
    found = OnFile({}, {}, {})
    with cursor_for(len(reports) + len(mails) + len(messages)) as cursor:
        cursor.execute(_READ, values)
        for what, name, text, uuid, pk, recipients in cursor.fetchall():
            if what == "report":
                found.reports[name] = (text, uuid)
            elif what == "mail":
                found.mails[pk, name, text == Kind.SENT] = uuid
            else:
                found.messages[name] = KnownMessage(pk, text, tuple(recipients))
    return found
