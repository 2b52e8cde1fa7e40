"""What happened, what is to be logged of it, by which settings, about whom."""

from activity.models.activity import Activity, Kind, Meeting, Message, Participant, ParticipantRole, Source
from activity.models.people import KnownPerson
from activity.models.settings import (
    AfterUnknown,
    BodyChoice,
    Exclusion,
    ExclusionKind,
    LoggingSettings,
    LoggingSettingsVersion,
    MemberSettings,
    PersonPreference,
    RelatedChoice,
)
from activity.models.sync import (
    DecisionTrace,
    DueJob,
    LedgerEntry,
    LoggedRecord,
    ObjectType,
    Outcome,
    Reason,
    StatusGroup,
    SyncAttempt,
    SyncJob,
    SyncState,
)

__all__ = [
    "Activity",
    "AfterUnknown",
    "BodyChoice",
    "DecisionTrace",
    "DueJob",
    "Exclusion",
    "ExclusionKind",
    "Kind",
    "KnownPerson",
    "LedgerEntry",
    "LoggedRecord",
    "LoggingSettings",
    "LoggingSettingsVersion",
    "Meeting",
    "MemberSettings",
    "Message",
    "ObjectType",
    "Outcome",
    "Participant",
    "ParticipantRole",
    "PersonPreference",
    "Reason",
    "RelatedChoice",
    "Source",
    "StatusGroup",
    "SyncAttempt",
    "SyncJob",
    "SyncState",
]
