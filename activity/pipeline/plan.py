"""Which jobs an activity gives: for which outside addresses, and which of them stop at once. Pure.

| activity | addresses |
|---|---|
| Sent | each outside address in To, Cc and Bcc |
| Received, Replied | who wrote it |
| Bounced | the address that bounced, else those that it was sent to |
| Opened, Clicked, Downloaded | who did it, else the only outside recipient; with several nobody is guessed |
| meetings | each outside attendee and an outside organizer |

An activity without an outside address gives one job, skipped as internal, so that the log shows it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from activity.models import BodyChoice, Kind, Reason, SyncState
from activity.pipeline.captured import Captured
from activity.pipeline.exclude import exclude
from activity.pipeline.standing import Standing
from activity.settings import EffectiveSettings

TRACKED = frozenset({Kind.OPENED, Kind.CLICKED, Kind.DOWNLOADED})
MAIL = frozenset({Kind.SENT, Kind.RECEIVED, Kind.REPLIED})
AUTOMATIC = "log automatically"
"""The detail of a mail that waits for its owner to say that it is to be logged."""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job to be made; `recipient` is empty where nobody outside is known."""

    recipient: str
    state: SyncState = SyncState.WAITING
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write down for one activity. `keeps_text`: whether the message's body may still be needed."""

    jobs: tuple[PlannedJob, ...]
    is_private: bool = False
    keeps_text: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a plan depends on beside the activity.

    `is_internal` says whether an address is a colleague's; `recipients` are all addresses that the message went to;
    `is_stale`: a newer report of the meeting is known.
    """

    settings: EffectiveSettings
    standing: Standing
    is_internal: Callable[[str], bool]
    recipients: tuple[str, ...] = ()
    subject: str = ""
    is_stale: bool = False


def plan(captured: Captured, around: Circumstances) -> Plan:
    """The jobs of an activity, each with the state in which it starts."""
    named = _unique(_addresses(captured, around))
    outside = [each for each in named if not around.is_internal(each) and each not in captured.own_addresses]
    if not outside:
        return Plan((PlannedJob("", SyncState.SKIPPED, Reason.INTERNAL),))
    if captured.kind in TRACKED and len(outside) > 1:
        jobs: tuple[PlannedJob, ...] = (_unknown_recipient(captured, outside, around),)
    else:
        jobs = tuple(_job(captured, address, around) for address in outside)
    return Plan(
        jobs,
        is_private=any(job.reason == Reason.KEPT_PRIVATE for job in jobs),
        keeps_text=around.settings.body != BodyChoice.NONE
        and any(job.state in (SyncState.WAITING, SyncState.HELD) for job in jobs),
    )


def _addresses(captured: Captured, around: Circumstances) -> Iterable[str]:
    if captured.meeting is not None:
        meeting = captured.meeting
        return [*(attendee.email for attendee in meeting.attendees), meeting.organizer.email]
    if captured.kind in (Kind.RECEIVED, Kind.REPLIED):
        return [captured.recipient or (captured.message.sender.email if captured.message else "")]
    if captured.kind in (Kind.BOUNCED, *TRACKED) and captured.recipient:
        return [captured.recipient]
    return around.recipients


def _unique(addresses: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(address for address in addresses if address))


def _unknown_recipient(captured: Captured, outside: list[str], around: Circumstances) -> PlannedJob:
    """One row without an address, private when any of those who may have done it is kept private."""
    hidden = (exclude(around.settings.exclusions, address, around.subject) for address in outside)
    if any(each is not None and each.reason == Reason.KEPT_PRIVATE for each in hidden):
        return PlannedJob("", SyncState.SKIPPED, Reason.KEPT_PRIVATE)
    return _stopped(captured, around.settings) or PlannedJob("", SyncState.SKIPPED, Reason.RECIPIENT_UNKNOWN)


def _job(captured: Captured, address: str, around: Circumstances) -> PlannedJob:
    if excluded := exclude(around.settings.exclusions, address, around.subject):
        return PlannedJob(address, SyncState.SKIPPED, excluded.reason, excluded.detail)
    if stopped := _stopped(captured, around.settings):
        return PlannedJob(address, stopped.state, stopped.reason, stopped.detail)
    if around.is_stale:
        return PlannedJob(address, SyncState.SKIPPED, Reason.SUPERSEDED)
    if around.standing.reason is not None:
        return PlannedJob(address, SyncState.HELD, around.standing.reason, around.standing.detail)
    return PlannedJob(address)


def _stopped(captured: Captured, settings: EffectiveSettings) -> PlannedJob | None:
    return switched_off(
        captured.kind,
        via_touchline=captured.via_touchline,
        by_machine=captured.by_machine,
        settings=settings,
    )


def switched_off(
    kind: str, *, via_touchline: bool, by_machine: bool = False, settings: EffectiveSettings
) -> PlannedJob | None:
    """What the switches of the role and the member say against an activity; None when nothing."""
    if kind not in settings.kinds:
        return PlannedJob("", SyncState.SKIPPED, Reason.SWITCHED_OFF)
    if kind == Kind.SENT and via_touchline and not settings.log_automatically:
        return PlannedJob("", SyncState.SKIPPED, Reason.SWITCHED_OFF, AUTOMATIC)
    if kind in MAIL and not via_touchline and not settings.sync_all_messages:
        return PlannedJob("", SyncState.SKIPPED, Reason.NOT_VIA_TOUCHLINE)
    if by_machine and not settings.log_machine_opens:
        return PlannedJob("", SyncState.SKIPPED, Reason.MACHINE)
    return None
