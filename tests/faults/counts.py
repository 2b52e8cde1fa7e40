"""What came of it, counted in Salesforce's records by the tag in the subject; our log only explains gaps."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.world import Slot, World

STOPPED = ("held", "failed", "skipped")


@dataclass
class Counts:
    """Numbers of activities. `taken_back`: records that we wrote twice and deleted again ourselves.

    `miscounted`: kept counts of the log that differ from its rows.
    """

    accepted: int = 0
    synced: int = 0
    waiting: int = 0
    lost: int = 0
    duplicated: int = 0
    stuck: int = 0
    taken_back: int = 0
    miscounted: int = 0
    bad: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"accepted={self.accepted} synced={self.synced} waiting_with_reason={self.waiting}"
            f" lost={self.lost} duplicated={self.duplicated} stuck={self.stuck} taken_back={self.taken_back}"
            f" miscounted={self.miscounted}"
        )

    def add(self, other: "Counts") -> None:
        """Sum up."""
        for name in ("accepted", "synced", "waiting", "lost", "duplicated", "stuck", "taken_back", "miscounted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.bad += other.bad

    @property
    def is_good(self) -> bool:
        """Nothing lost, doubled, stuck or miscounted."""
        return not (self.lost or self.duplicated or self.stuck or self.miscounted)


def tag_of(subject: str) -> str:
    """The tag in a record's subject ("Sent (New): 1-7-2")."""
    return subject.rpartition(": ")[2]


def states_of(slot: Slot) -> dict[str, tuple[str, str]]:
    """State and reason of the slot's jobs by their tag.

    What is unknown while its connection is lost waits for that one to come back: nobody else may look it up.
    """
    from activity.models import SyncJob

    rows = SyncJob.objects.filter(owner=slot.membership.pk).values_list("subject", "state", "reason")
    waits_for = "connection_lost" if is_lost(slot) else ""
    return {
        subject: ("held", waits_for) if state == "unknown" and waits_for else (state, reason)
        for subject, state, reason in rows
    }


def is_lost(slot: Slot) -> bool:
    """Whether the member has to connect again."""
    from integrations.models import Connection, ConnectionState

    return Connection.objects.get(pk=slot.connection_id).state != ConnectionState.CONNECTED


def count(world: World, tags: dict[int, list[str]]) -> Counts:
    """Compare what was accepted, by slot, with what stands in Salesforce."""
    from tests.activity.miscounted import miscounted

    counts = Counts(miscounted=len(miscounted()))
    for number, accepted in tags.items():
        subjects = world.salesforce.ask("subjects", number)
        live = Counter(tag_of(subject) for subject, is_deleted in subjects if not is_deleted)
        deleted = Counter(tag_of(subject) for subject, is_deleted in subjects if is_deleted)
        states = states_of(world.slots[number])
        for tag in accepted:
            counts.accepted += 1
            counts.taken_back += deleted[tag]
            _count_one(counts, tag, live[tag], states.get(tag))
    return counts


def _count_one(counts: Counts, tag: str, records: int, found: tuple[str, str] | None) -> None:
    state, reason = found or ("absent", "")
    if records > 1:
        counts.duplicated += records - 1
        counts.bad.append(f"{tag}: {records} records, {state} {reason}")
    if records and state == "synced":
        counts.synced += 1
    elif state in STOPPED and reason:
        counts.waiting += 1
        if records:
            counts.bad.append(f"{tag}: written, but {state} {reason}")
    elif state in ("waiting", "unknown"):
        counts.stuck += 1
        counts.bad.append(f"{tag}: stuck as {state}, {records} records")
    else:
        counts.lost += 1
        counts.bad.append(f"{tag}: lost, {state} {reason}, {records} records")


def is_settled(world: World, tags: dict[int, list[str]]) -> bool:
    """Whether our log says of every activity that it is done or why not."""
    from activity.models import SyncJob

    for number, accepted in tags.items():
        slot = world.slots[number]
        rows = SyncJob.objects.filter(owner=slot.membership.pk, subject__in=accepted)
        moving = rows.filter(state__in=("waiting", "unknown")).exists() and not is_lost(slot)
        if moving or rows.count() < len(accepted):
            return False
        if rows.filter(state="held", reason__in=("api_limit", "over_budget", "salesforce_down")).exists():
            return False  # goes on by itself
    return True
