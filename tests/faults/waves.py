"""One wave: a cell in each slot, all brought to their points, then struck at once, then left to recover."""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults import cells as matrix
from tests.faults.cells import CAPTURED, CONNECT, GATES, Cell
from tests.faults.counts import Counts, count, is_lost, is_settled, states_of
from tests.faults.durations import LATEST_COMMIT, LEASE
from tests.faults.points import POINTS
from tests.faults.reporter import Reporter
from tests.faults.world import Slot, World, kill

ARRIVAL_LIMIT = 12.0
GATE_LIMIT = 6.0
SETTLE_LIMIT = 60.0
TRIES = 3
WARM_UP_LIMIT = 90.0
OF_LATENESS = frozenset({"freeze", "second_worker", "clock_forward", "clock_back"})
"""The faults that can fall into the one open hole: beyond the lease between the last check and the call."""


@dataclass
class Place:
    """A cell in its slot."""

    cell: Cell
    slot: Slot
    tags: list[str]
    reporter: Reporter | None = None
    processes: list[int] = field(default_factory=list)
    arrived: bool = False

    @property
    def scope(self) -> int:
        """By what its point in the database knows it."""
        if self.cell.point == "capture":
            return self.slot.workspace.pk
        return self.slot.membership.pk if self.cell.point == "record" else self.slot.connection_id


@dataclass
class Result:
    """What a wave came to."""

    name: str
    cells: int
    reached: int
    counts: Counts
    seconds: float
    missed: list[Cell]
    tags: dict[int, list[str]]


class Wave:
    """See the module."""

    def __init__(self, world: World, name: str, run: str, cells: list[Cell], offset: int) -> None:
        self.world, self.name = world, name
        slots = world.slots
        self.places = [
            Place(cell, slots[(position + offset) % len(slots)], _tags(f"{name[:3]}{len(name)}-{run}-{position}"))
            for position, cell in enumerate(cells)
        ]

    def run(self) -> Result:
        """Prepare, strike, recover, count."""
        mend_connections(self.world)
        started = time.monotonic()
        for place in self.places:
            self._prepare(place)
        # Those first that can wait for long; a call to Salesforce waits no longer than its time-out.
        patient = [place for place in self.places if place.cell.point not in GATES]
        impatient = [place for place in self.places if place.cell.point in GATES]
        for places in (patient, impatient):
            for place in places:
                self._feed(place)
            self.world.wait_for(self._all_arrived(places), ARRIVAL_LIMIT if places is patient else GATE_LIMIT)
        self._look_who_left()
        missed = [place.cell for place in self.places if not place.arrived]
        self._strike()
        tags = self._recover()
        seconds = time.monotonic() - started
        counts = self._count(tags)
        return Result(self.name, len(self.places), len(self.places) - len(missed), counts, seconds, missed, tags)

    # --- Before ---------------------------------------------------------------------------------------------

    def _prepare(self, place: Place) -> None:
        point, ask = place.cell.point, self.world.salesforce.ask
        for fault in place.cell.network:
            ask("add_fault", **{"user": place.slot.user, **fault})
        if place.cell.refreshes:
            ask("expire_tokens", place.slot.user)
        if point in GATES:
            ask("hold", place.slot.user, *GATES[point])
        elif point in POINTS:
            self.world.points.arm(point, place.scope)
        elif point == CONNECT:
            self.world.points.arm("attempt", place.slot.connection_id)

    def _feed(self, place: Place) -> None:
        if place.cell.point in matrix.INGEST_POINTS:
            times = 5 if place.cell.fault == "deliver_again" else 1
            place.reporter = Reporter(
                self.world, place.slot, place.tags, times, lose_first=place.cell.point == CAPTURED
            )
        else:
            self.world.report(place.slot, place.tags)

    def _all_arrived(self, places: list[Place]) -> Callable[[], bool]:
        """To be asked until all are there; takes note of who stands where."""

        def take_note() -> bool:
            waiting = self.world.points.waiting()
            held = set(self.world.salesforce.ask("held"))
            connecting = set(self.world.salesforce.ask("connects_held"))
            for place in places:
                place.arrived = place.arrived or self._has_arrived(place, waiting, held, connecting)
            return all(place.arrived for place in places)

        return take_note

    def _has_arrived(self, place: Place, waiting: list, held: set[str], connecting: set[int]) -> bool:
        point, points = place.cell.point, self.world.points
        if point == "":
            return True
        if point == CAPTURED:
            return place.reporter is not None and place.reporter.is_stored()
        if point == CONNECT:
            return self._bring_to_connect(place, waiting, connecting)
        if point in GATES:
            if place.slot.user in held:
                place.processes = points.workers_at("log_due_jobs", place.slot.connection_id)
            return bool(place.processes)
        found = [each.process for each in waiting if (each.point, each.scope) == (point, place.scope)]
        if found:
            points.disarm(point, place.scope)
            place.processes = found
        return bool(found)

    def _look_who_left(self) -> None:
        """Whose call has timed out while the others came is no longer at its point."""
        for place in self.places:
            if place.cell.point in GATES and place.arrived:
                now = self.world.points.workers_at("log_due_jobs", place.slot.connection_id)
                place.arrived = bool(set(place.processes) & set(now))

    def _bring_to_connect(self, place: Place, waiting: list, connecting: set[int]) -> bool:
        """First to the attempt, so that the next connection is the one for the write."""
        connection = place.slot.connection_id
        if any((each.point, each.scope) == ("attempt", connection) for each in waiting):
            self.world.points.disarm("attempt", connection)
            self.world.salesforce.ask("hold_connects", place.slot.number)
            self.world.points.release("attempt", connection)
        elif place.slot.number in connecting:
            place.processes = self.world.points.workers_at("log_due_jobs", connection)
        return bool(place.processes)

    # --- The fault ------------------------------------------------------------------------------------------

    def _strike(self) -> None:
        fault = self.places[0].cell.fault if self.name != "the network" else "let_go"
        strike: Callable[[], None] = getattr(self, f"_{fault}")
        strike()

    def _let_go(self) -> None:
        """Everything of the network was ordered before; what is held at the token endpoint breaks or goes on late."""
        for place in self.places:
            if place.cell.fault == "reset":
                self.world.salesforce.ask("release", place.slot.user, True)
        late = [place.slot.user for place in self.places if place.cell.fault == "time-out"]
        if late:
            self.world.wait_for(lambda: False, 3.0)
        self._release()

    def _release(self) -> None:
        self.world.points.release_all()
        self.world.salesforce.ask("release")
        self.world.salesforce.ask("release_connects")

    def _kill_worker(self) -> None:
        for process in self._all_processes():
            kill(process, signal.SIGKILL)
        self._kill_web()
        self._release()

    def _kill_web(self) -> None:
        if any(place.reporter for place in self.places):
            self.world.end("web")
            self.world.start_web()

    def _kill_cluster(self) -> None:
        self.world.kill_cluster()
        self._release()

    def _restart_database(self) -> None:
        self.world.restart_database()
        self._release()

    def _freeze(self) -> None:
        stopped = [process for process in self._all_processes() if kill(process, signal.SIGSTOP)]
        self._release()
        self.world.wait_for(lambda: False, LEASE + 3)
        for process in stopped:
            kill(process, signal.SIGCONT)

    def _clock_forward(self) -> None:
        self.world.move_clock(LEASE)
        self._release()

    def _clock_back(self) -> None:
        self.world.move_clock(0)
        self._release()

    def _deliver_again(self) -> None:
        for place in self.places:
            for _ in range(5):
                self.world.queue("activity.tasks.log_due_jobs", place.slot.connection_id)
        self.world.wait_for(lambda: False, 1.0)
        self._release()

    def _second_worker(self) -> None:
        """The leases lapse while their holders live: others take the rows."""
        scopes = [place.slot.connection_id for place in self.places]
        self.world.points.lapse_leases(scopes)
        for scope in scopes:
            for _ in range(2):
                self.world.queue("activity.tasks.log_due_jobs", scope)
        self.world.wait_for(lambda: False, 1.2)
        self._release()

    def _all_processes(self) -> set[int]:
        return {process for place in self.places for process in place.processes if place.reporter is None}

    # --- After ----------------------------------------------------------------------------------------------

    def _recover(self) -> dict[int, list[str]]:
        struck = time.monotonic()
        for place in self.places:
            if place.reporter:
                place.reporter.join(SETTLE_LIMIT)
                place.tags = place.reporter.accepted
        tags = {place.slot.number: place.tags for place in self.places}
        self.world.wait_for(lambda: self._is_settled(tags), SETTLE_LIMIT)
        # What Salesforce still had in hand comes through meanwhile.
        self.world.wait_for(lambda: time.monotonic() > struck + LATEST_COMMIT + 1, LATEST_COMMIT + 1)
        self.world.salesforce.ask("clear_faults")
        return tags

    def _is_settled(self, tags: dict[int, list[str]]) -> bool:
        from django.db import DatabaseError, connection

        try:
            return is_settled(self.world, tags)
        except DatabaseError:
            connection.close()
            return False

    def _count(self, tags: dict[int, list[str]]) -> Counts:
        counts = count(self.world, tags)
        if counts.duplicated and self.places[0].cell.fault in OF_LATENESS:
            twice = {line.partition(":")[0] for line in counts.bad}
            names = [place.cell.name for place in self.places if twice & set(place.tags)]
            sys.stdout.write(f"    {counts.duplicated} written twice at {names}; the hourly look for doubles runs\n")
            self.world.queue("activity.tasks.find_doubles")
            self.world.wait_for(lambda: not count(self.world, tags).duplicated, 10)
            counts = count(self.world, tags)
        return counts


def _tags(stem: str) -> list[str]:
    """Three mails and a meeting."""
    return [f"{stem}-1", f"{stem}-2", f"{stem}-3", f"{stem}-4e"]


def run_all(world: World, runs: int, waves: dict[str, list[Cell]], say: Callable[[str], None]) -> list[Result]:
    """Every wave so many times; each time a cell stands in another slot. Cells that did not get to their point in
    time (a busy machine) are tried again."""
    world.start_web()
    assert world.wait_for(world.is_web_up, 60), "the web server does not answer"
    warm_up(world)
    results = []
    for run in range(1, runs + 1):
        for name, cells in waves.items():
            tries = 0
            while cells and tries < TRIES:
                result = Wave(world, name, f"{run}{'abc'[tries]}", cells, offset=run * 7 + tries).run()
                results.append(result)
                _say_result(result, run, say)
                cells = result.missed
                tries += 1
    return results


def _say_result(result: Result, run: int, say: Callable[[str], None]) -> None:
    say(f"  run {run} {result.name}: {result.reached} cells, {result.counts} in {result.seconds:.0f} s")
    for line in [f"not reached: {cell.name}" for cell in result.missed] + result.counts.bad[:8]:
        say(f"    {line}")


def mend_connections(world: World) -> None:
    """Whose grant was lost in an earlier wave connects again, and what was held flows."""
    from integrations.models import Intent

    for slot in world.slots:
        if is_lost(slot):
            world.connect(slot.membership, slot.user, Intent.MEMBER)


def mend_all(world: World, results: list[Result]) -> dict[int, list[str]]:
    """After the last wave everybody connects again: then nothing may be left. Returns all tags by slot."""
    tags: dict[int, list[str]] = {slot.number: [] for slot in world.slots}
    for result in results:
        for number, accepted in result.tags.items():
            tags[number] += accepted
    world.move_clock(0)
    mend_connections(world)
    world.wait_for(lambda: is_settled(world, tags) and not any(map(_has_held, world.slots)), SETTLE_LIMIT)
    return tags


def _has_held(slot: Slot) -> bool:
    return any(state == "held" for state, _ in states_of(slot).values())


def warm_up(world: World) -> None:
    """One activity of each kind in every slot: describes and people are known then, and look-ups have a sample."""
    tags = {
        slot.number: world.report(slot, [f"warm-{slot.number}-1", f"warm-{slot.number}-2e"]) for slot in world.slots
    }
    if not world.wait_for(lambda: is_settled(world, tags), WARM_UP_LIMIT):
        raise RuntimeError(f"the installation does not log at all\n{world.logs()}")
