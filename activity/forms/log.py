"""The filters of the Activity Log."""

import uuid
from datetime import date, datetime, time, timedelta

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from activity.models import Kind, ObjectType, Reason, StatusGroup, SyncState
from activity.queries.log import LogFilters
from workspaces.models import Membership

EVERYONE = "everyone"

HELD = (
    Reason.NOT_CONNECTED,
    Reason.CONNECTION_LOST,
    Reason.NO_SYNC_USER,
    Reason.NOT_CONFIRMED,
    Reason.PLAN,
    Reason.API_LIMIT,
    Reason.OVER_BUDGET,
    Reason.SALESFORCE_DOWN,
    Reason.SAME_ERROR,
)
FAILED = (Reason.REJECTED, Reason.NEEDS_A_LOOK, Reason.QUARANTINED, Reason.INTERNAL_ERROR)


def _pairs(reasons: list[Reason] | tuple[Reason, ...]) -> list[tuple[str, str]]:
    return [(reason.value, reason.label) for reason in reasons]


REASON_CHOICES = [
    ("", "Any reason"),
    ("On its way", [(state.value, state.label) for state in (SyncState.WAITING, SyncState.UNKNOWN)]),
    ("On hold", _pairs(HELD)),
    ("Not logged", _pairs([reason for reason in Reason if reason not in HELD + FAILED])),
    ("Errors", _pairs(FAILED)),
]


DAY_INPUT = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
# Beyond these a day in some time zone is no moment any more.
SANE_DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 12, 31))]


class LogFilterForm(forms.Form):
    """The filters of the Activity Log, as they stand in the address. What is not understood filters nothing."""

    status = forms.ChoiceField(required=False, choices=StatusGroup.choices, widget=forms.HiddenInput)
    recipient = forms.CharField(required=False, max_length=320)
    activity = forms.ChoiceField(required=False, choices=[("", "All activities"), *Kind.choices])
    type = forms.ChoiceField(required=False, choices=[("", "Tasks and Events"), *ObjectType.choices])
    reason = forms.ChoiceField(required=False, choices=REASON_CHOICES)
    whose = forms.ChoiceField(required=False)
    since = forms.DateField(required=False, widget=DAY_INPUT, validators=SANE_DAYS)
    until = forms.DateField(required=False, widget=DAY_INPUT, validators=SANE_DAYS)
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, membership: Membership, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.membership = membership
        self.members: dict[str, Membership] = {}
        if membership.is_admin:
            members = membership.workspace.memberships.select_related("user").order_by("user__name", "user__email")
            self.members = {str(member.uuid): member for member in members if member != membership}
        choices = [(value, str(member)) for value, member in self.members.items()]
        self.fields["whose"].choices = [("", "My activities"), (EVERYONE, "Everyone"), *choices]
        self.is_valid()

    @property
    def shows_everyone(self) -> bool:
        """Whether an admin asked for the whole workspace."""
        return self.membership.is_admin and self.cleaned_data.get("whose") == EVERYONE

    @property
    def owner(self) -> Membership | None:
        """Whose rows to show; None for everybody's. Who is no admin has always the own ones."""
        if self.shows_everyone:
            return None
        return self.members.get(self.cleaned_data.get("whose", ""), self.membership)

    @property
    def cursor(self) -> dict[str, uuid.UUID | None]:
        """The row to go on from, as activity_log() takes it."""
        return {name: self.cleaned_data.get(name) for name in ("after", "before")}

    @property
    def is_first_page(self) -> bool:
        """Whether the page is the newest one, which goes on by itself."""
        return not any(self.cursor.values())

    @property
    def is_filtered(self) -> bool:
        """Whether anything but "whose" narrows the list."""
        return self.read_filters() != LogFilters()

    def clean_recipient(self) -> str:
        """Lower case, without what people paste around an address."""
        return self.cleaned_data["recipient"].strip().strip("<>").lower()

    def read_filters(self) -> LogFilters:
        """The filters; days are whole days in the time zone of the person who asks."""
        data = self.cleaned_data
        until = data.get("until")
        return LogFilters(
            status=data.get("status", ""),
            kind=data.get("activity", ""),
            object_type=data.get("type", ""),
            reason=data.get("reason", ""),
            recipient=data.get("recipient", ""),
            since=start_of_day(data.get("since")),
            until=start_of_day(until + timedelta(days=1) if until else None),
        )


def start_of_day(day: date | None) -> datetime | None:
    """Midnight of a day in the current time zone."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()) if day else None
