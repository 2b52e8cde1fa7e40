"""What happened, what is to be logged of it, by which settings, about whom."""

from activity.models.activity import Activity, Kind, Meeting, Message, Participant, ParticipantRole, Source
from activity.models.counts import Counted, RowCount, RowCountChange, RowCountSum
from activity.models.creations import CreationState, PersonCreation
from activity.models.due import Drain, DueJob, ErrorGroup, OrgPace, OrgTrouble, WakeUp
from activity.models.meetings import KnownMeeting
from activity.models.people import KnownPerson
from activity.models.records import DecisionTrace, LoggedRecord, Outcome, SyncAttempt
from activity.models.reports import LedgerEntry, RequestCount
from activity.models.searches import SavedSearch
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
from activity.models.sync import LogChange, ObjectType, Reason, StatusGroup, SyncJob, SyncState
from activity.models.texts import WantedText
from activity.models.tracking import TrackedCopy, TrackedMessage, TrackingHit

__all__ = [
    "Activity",
    "AfterUnknown",
    "BodyChoice",
    "Counted",
    "CreationState",
    "DecisionTrace",
    "Drain",
    "DueJob",
    "ErrorGroup",
    "Exclusion",
    "ExclusionKind",
    "Kind",
    "KnownMeeting",
    "KnownPerson",
    "LedgerEntry",
    "LogChange",
    "LoggedRecord",
    "LoggingSettings",
    "LoggingSettingsVersion",
    "Meeting",
    "MemberSettings",
    "Message",
    "ObjectType",
    "OrgPace",
    "OrgTrouble",
    "Outcome",
    "Participant",
    "ParticipantRole",
    "PersonCreation",
    "PersonPreference",
    "Reason",
    "RelatedChoice",
    "RequestCount",
    "RowCount",
    "RowCountChange",
    "RowCountSum",
    "SavedSearch",
    "Source",
    "StatusGroup",
    "SyncAttempt",
    "SyncJob",
    "SyncState",
    "TrackedCopy",
    "TrackedMessage",
    "TrackingHit",
    "WakeUp",
    "WantedText",
]
