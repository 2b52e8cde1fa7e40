"""Addresses that belong to nobody in Salesforce, or to several people, with what waits for each.

A member can have a million such rows, so nothing here reads all of them. The newest row of each address is one probe
of an index; up to `Bounds.sorted` addresses are found so and put in order. Who has more is shown those among the
newest `Bounds.walked` rows, then those among the next, so that a page can hold few addresses while older ones follow.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import QuerySet

from activity.models import Participant, SyncJob
from activity.pipeline.arrays import as_array
from activity.pipeline.statements import run
from activity.queries.job import Candidate, build_candidates
from config.prepared import run_prepared
from workspaces.models import Membership

COUNTED = 99
"""Activities of one address; more are "99+"."""
NUMBERED = 9
"""Addresses beside the navigation's link; more are "9+"."""
NAMED_BY = 20
"""Rows of an address whose mails are asked for the person's name."""
PROBED = 40
"""Addresses that the navigation looks at, some of which the member never wants logged."""

Place = tuple[datetime, int]
"""Time and id of an address's newest row: its place in the order of the page."""
TOP: Place = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Address:
    """One address: how many activities it has that are not logged, the last one's time, who could be meant."""

    address: str
    activities: int
    last_at: datetime
    candidates: tuple[Candidate, ...]
    is_being_created: bool = False

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]

    @property
    def activities_shown(self) -> str:
        """The number as the page writes it."""
        return str(self.activities) if self.activities <= COUNTED else f"{COUNTED}+"


@dataclass(frozen=True, slots=True)
class AddressPage:
    """Addresses, the one with the newest activity first; `older` is the row to go on from, None at the end."""

    addresses: tuple[Address, ...]
    older: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Addresses that a page shows, addresses that are put in order, rows looked at where there are more."""

    shown: int = 50
    sorted: int = 500
    walked: int = 5_000


BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class _Newest:
    address: str
    place: Place


def unresolved(
    viewer: Membership, search: str = "", after: uuid.UUID | None = None, bounds: Bounds = BOUNDS
) -> AddressPage:
    """A page of the viewer's own addresses; `search` is part of an address in lower case. Six queries at most."""
    start = _place_of(viewer, after)
    found, end = _newest_first(viewer, start, bounds)
    wanted = [each for each in found if search in each.address]
    shown = wanted[: bounds.shown]
    if len(wanted) > len(shown):
        end = shown[-1].place
    return AddressPage(_build_addresses(viewer, shown), _row_at(end))


def unresolved_jobs(viewer: Membership, address: str) -> QuerySet[SyncJob]:
    """The viewer's own jobs for an address without a match or with several; none for what he never wants logged."""
    if not address or _is_ignored(viewer, address):
        return SyncJob.objects.none()
    return viewer.sync_jobs.filter(unresolved=address)


def display_name(viewer: Membership, address: str) -> str:
    """How the newest mails and meetings of the viewer's rows call the person; "" where none does. Two queries."""
    newest = unresolved_jobs(viewer, address).order_by("-created_at", "-id")[:NAMED_BY]
    rows = list(newest.values_list("activity__message", "activity__meeting__attendees"))
    messages = [message for message, _ in rows if message]
    named = Participant.objects.filter(message__in=messages, address=address).exclude(name="")
    people = [person for _, attendees in rows for person in attendees or () if person.get("email") == address]
    return named.order_by("-message").values_list("name", flat=True).first() or next(
        (person["name"] for person in people if person.get("name")), ""
    )


def count_unresolved(viewer: Membership) -> str:
    """The number beside the navigation's link: "" for none, "3", "9+"; one query of a few probes of an index."""
    rows = run_prepared(_EACH_ADDRESS, {"owner": viewer.pk, "most": PROBED})
    count = sum(not ignored for *_, ignored in rows)
    if count > NUMBERED:
        return f"{NUMBERED}+"
    # With all that was looked at ignored but a few, there may be more behind.
    return f"{count}{'+' if len(rows) == PROBED else ''}" if count else ""


# --- Which addresses ---------------------------------------------------------------------------------------

_IGNORED = """EXISTS (
    SELECT 1 FROM activity_exclusion e WHERE e.membership_id = %(owner)s AND (
        e.kind = 'address' AND e.value = found.address
        OR e.kind = 'domain' AND right(found.address, length(e.value) + 1) IN ('@' || e.value, '.' || e.value)
    )
)"""

# From one address to the next by the index, without touching the rows between.
_EACH_ADDRESS = f"""
WITH RECURSIVE found AS (
    (
        SELECT j.unresolved AS address, j.created_at, j.id, 1 AS number FROM activity_syncjob j
        WHERE j.owner_id = %(owner)s AND j.unresolved IS NOT NULL
        ORDER BY j.unresolved, j.created_at DESC, j.id DESC LIMIT 1
    )
    UNION ALL
    SELECT next.address, next.created_at, next.id, found.number + 1 FROM found, LATERAL (
        SELECT j.unresolved AS address, j.created_at, j.id FROM activity_syncjob j
        WHERE j.owner_id = %(owner)s AND j.unresolved > found.address
        ORDER BY j.unresolved, j.created_at DESC, j.id DESC LIMIT 1
    ) AS next
    WHERE found.number < %(most)s
)
SELECT address, created_at, id, {_IGNORED} FROM found
"""  # noqa: S608 (a constant)

_NEWEST_ROWS = """
SELECT j.unresolved, j.created_at, j.id FROM activity_syncjob j
WHERE j.owner_id = %(owner)s AND j.unresolved IS NOT NULL AND (j.created_at, j.id) < (%(at)s, %(id)s)
ORDER BY j.created_at DESC, j.id DESC LIMIT %(rows)s
"""

# Those which no page before has shown: none of their rows is newer than where this page begins.
_NOT_SHOWN_BEFORE = f"""
SELECT found.address FROM unnest(%(addresses)s::text[]) AS found(address)
WHERE NOT {_IGNORED} AND NOT EXISTS (
    SELECT 1 FROM activity_syncjob j WHERE j.owner_id = %(owner)s AND j.unresolved = found.address
      AND (j.created_at, j.id) >= (%(at)s, %(id)s)
)
"""  # noqa: S608 (a constant)


def _newest_first(viewer: Membership, start: Place, bounds: Bounds) -> tuple[list[_Newest], Place | None]:
    """Addresses whose newest row is older than `start`, and where the next ones begin (None: there are no more)."""
    rows = run_prepared(_EACH_ADDRESS, {"owner": viewer.pk, "most": bounds.sorted + 1})
    if len(rows) > bounds.sorted:
        return _walk(viewer, start, bounds.walked)
    found = [_Newest(address, (at, pk)) for address, at, pk, ignored in rows if not ignored and (at, pk) < start]
    return sorted(found, key=lambda each: each.place, reverse=True), None


def _walk(viewer: Membership, start: Place, most: int) -> tuple[list[_Newest], Place | None]:
    """The same from a bounded number of rows."""
    begin = {"owner": viewer.pk, "at": start[0], "id": start[1]}
    rows = run(_NEWEST_ROWS, begin | {"rows": most + 1})
    end = rows[most - 1][1:] if len(rows) > most else None
    newest: dict[str, _Newest] = {}
    for address, at, pk in rows[:most]:
        newest.setdefault(address, _Newest(address, (at, pk)))
    left = {address for (address,) in run(_NOT_SHOWN_BEFORE, begin | {"addresses": as_array(newest)})}
    return [each for each in newest.values() if each.address in left], end


def _is_ignored(viewer: Membership, address: str) -> bool:
    values = {"owner": viewer.pk, "address": address}
    return run(f"SELECT {_IGNORED} FROM (SELECT %(address)s::text AS address) AS found", values)[0][0]  # noqa: S608


def _place_of(viewer: Membership, row: uuid.UUID | None) -> Place:
    """Where the viewer's row stands; the top for none, or for one that is gone."""
    if row is None:
        return TOP
    return viewer.sync_jobs.filter(uuid=row).values_list("created_at", "id").first() or TOP


def _row_at(place: Place | None) -> uuid.UUID | None:
    return place and SyncJob.objects.values_list("uuid", flat=True).filter(pk=place[1]).first()


# --- What is shown of them ---------------------------------------------------------------------------------

_COUNT_FEW = """
SELECT found.address, (
    SELECT count(*) FROM (
        SELECT 1 FROM activity_syncjob j WHERE j.owner_id = %(owner)s AND j.unresolved = found.address LIMIT %(most)s
    ) AS few
), EXISTS (
    SELECT 1 FROM activity_personcreation c
    WHERE c.workspace_id = %(workspace)s AND c.address = found.address AND c.state = ''
) FROM unnest(%(addresses)s::text[]) AS found(address)
"""


def _build_addresses(viewer: Membership, shown: list[_Newest]) -> tuple[Address, ...]:
    if not shown:
        return ()
    names = [each.address for each in shown]
    bound = {"owner": viewer.pk, "workspace": viewer.workspace_id, "most": COUNTED + 1}
    facts = {address: facts for address, *facts in run(_COUNT_FEW, bound | {"addresses": as_array(names)})}
    known = viewer.workspace.known_people.filter(address__in=names)
    candidates = {person.address: build_candidates(person) for person in known}
    found = []
    for each in shown:
        activities, is_being_created = facts[each.address]
        people = candidates.get(each.address, ())
        found.append(Address(each.address, activities, each.place[0], people, is_being_created))
    return tuple(found)
