"""What a search of the Live Feed asks of an activity, as conditions for the database.

None of them finds by its content what is private to somebody else.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, F, Func, OuterRef, Q, TextField, Value
from django.db.models.functions import Cast
from django.db.models.lookups import IContains
from django.utils import timezone

from activity.feed_search import FeedSearch
from activity.models import Kind, Participant, ParticipantRole, SyncJob, SyncState
from workspaces.models import Membership

ADDRESSED = (ParticipantRole.TO, ParticipantRole.CC, ParticipantRole.BCC)
INCOMING = (Kind.RECEIVED, Kind.REPLIED)
EVERYONE = "everyone"
ME = "me"


def within_days(search: FeedSearch) -> Q:
    """The days asked for, whole days of the current time zone."""
    days = Q()
    if search.since:
        days &= Q(occurred_at__gte=start_of(search.since))
    if search.until:
        days &= Q(occurred_at__lt=start_of(search.until + timedelta(days=1)))
    return days


def conditions_of(search: FeedSearch, viewer: Membership) -> Iterable[Q]:
    """What must hold beside the days, one by one; what is asked of several rows is EXISTS, so nothing doubles."""
    if search.reads_content:
        yield Q(owner=viewer) | Q(is_private=False)
    if search.kinds:
        yield Q(kind__in=search.kinds)
    if search.is_private:
        yield Q(is_private=True, owner=viewer)
    if search.is_unsynced:
        jobs = SyncJob.objects.filter(activity=OuterRef("pk"))
        yield Q(Exists(jobs.exclude(state=SyncState.SYNCED)))
    for subject in search.subjects:
        yield _about(subject)
    for word in search.words:
        yield _says(word)
    if search.to and EVERYONE not in search.to:
        yield _any(_to(_address(value, viewer)) for value in search.to)
    if search.sender and EVERYONE not in search.sender:
        yield _any(_from(value, viewer) for value in search.sender)


def start_of(day: date) -> datetime:
    """Midnight in the current time zone."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


def _any(alternatives: Iterable[Q]) -> Q:
    found = Q()
    for alternative in alternatives:
        found |= alternative
    return found


def _address(value: str, viewer: Membership) -> str:
    return viewer.user.email.lower() if value == ME else value


def _about(text: str) -> Q:
    return Q(message__subject__icontains=text) | Q(meeting__title__icontains=text)


def _says(word: str) -> Q:
    """Free text: what the line of the feed says, and who is on the message or in the meeting."""
    ours = Q(owner__user__name__icontains=word) | Q(owner__user__email__icontains=word)
    return _about(word) | Q(file_name__icontains=word) | ours | _on_message(word) | _concerns(word)


def _to(text: str) -> Q:
    """What came in is logged for who wrote it, so there only the message itself says to whom it went."""
    return _on_message(text, *ADDRESSED) | (~Q(kind__in=INCOMING) & _concerns(text))


def _from(value: str, viewer: Membership) -> Q:
    if value == ME:
        return Q(owner=viewer)
    ours = Q(owner__user__email__icontains=value) | Q(owner__user__name__icontains=value)
    return ours | _on_message(value, ParticipantRole.FROM)


def _on_message(text: str, *roles: str) -> Q:
    """An address or a name on the message, in these roles or in any."""
    people = Participant.objects.filter(message=OuterRef("message"))
    if roles:
        people = people.filter(role__in=roles)
    return Q(Exists(people.filter(Q(address__contains=text) | Q(name__icontains=text))))


def _concerns(text: str) -> Q:
    """An address that it is logged for, or somebody in the meeting."""
    jobs = SyncJob.objects.filter(activity=OuterRef("pk"), recipient__contains=text)
    return Q(recipient__contains=text) | Q(Exists(jobs)) | _attends(text, "email") | _attends(text, "name")


def _attends(text: str, part: str) -> Q:
    values = Func(F("meeting__attendees"), Value(f"$[*].{part}"), function="jsonb_path_query_array")
    return Q(IContains(Cast(values, TextField()), text))
