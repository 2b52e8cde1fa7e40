"""Points at which a process is held from outside: triggers in the harness's own database that wait for a lock.

A point is armed for one connection, owner or workspace. Whoever comes there waits for an advisory lock that the
harness holds; pg_locks says that somebody waits, pg_stat_activity says which process it is (scaled.py names it).
"""

from dataclasses import dataclass

import psycopg

# point: table, when the trigger fires, which rows, which column says whose it is
POINTS = {
    "capture": ("activity_ledgerentry", "BEFORE INSERT", "", "workspace_id"),
    "wake_up_taken": ("activity_wakeup", "BEFORE DELETE", "", "connection_id"),
    "claim": ("activity_duejob", "BEFORE UPDATE", "WHEN (NEW.attempt > OLD.attempt)", "connection_id"),
    "attempt": ("activity_syncattempt", "BEFORE INSERT", "WHEN (NEW.operation <> 'look_up')", "connection_id"),
    "result": ("activity_duejob", "BEFORE DELETE", "", "connection_id"),
    "record": ("activity_loggedrecord", "BEFORE INSERT", "", "owner_id"),
    "done": ("activity_drain", "BEFORE DELETE", "", "connection_id"),
    "new_tokens": (
        "integrations_connection",
        "BEFORE UPDATE",
        "WHEN (NEW.token_version > OLD.token_version)",
        "id",
    ),
}
_NUMBERS = {point: number for number, point in enumerate(POINTS, start=1)}

_FUNCTION = """
CREATE SCHEMA fault;
CREATE UNLOGGED TABLE fault.armed (point int, scope int, PRIMARY KEY (point, scope));
CREATE FUNCTION fault.hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    its_scope int := (found ->> TG_ARGV[1])::int;
BEGIN
    IF EXISTS (SELECT 1 FROM fault.armed WHERE point = TG_ARGV[0]::int AND scope = its_scope) THEN
        PERFORM pg_advisory_lock_shared(TG_ARGV[0]::int, its_scope);
        PERFORM pg_advisory_unlock_shared(TG_ARGV[0]::int, its_scope);
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""
_WAITING = """
SELECT l.classid::int, l.objid::int, split_part(a.application_name, ' ', 1)
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND NOT l.granted
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A process that stands at a point."""

    point: str
    scope: int
    process: int


class Points:
    """The harness's own session, which holds the locks. Lost with the database, and then so are the locks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = psycopg.connect(url, autocommit=True)

    def install(self) -> None:
        """Make the triggers; once for a database."""
        self.session.execute(_FUNCTION)
        for point, (table, event, condition, column) in POINTS.items():
            self.session.execute(
                f"CREATE TRIGGER fault_{point} {event} ON {table} FOR EACH ROW {condition}"
                f" EXECUTE FUNCTION fault.hold({_NUMBERS[point]}, '{column}')"
            )

    def arm(self, point: str, scope: int) -> None:
        """Hold whoever comes to the point for this scope from now on."""
        number = _NUMBERS[point]
        self.session.execute("SELECT pg_advisory_lock(%s, %s)", [number, scope])
        self.session.execute("INSERT INTO fault.armed VALUES (%s, %s) ON CONFLICT DO NOTHING", [number, scope])

    def disarm(self, point: str, scope: int) -> None:
        """Hold nobody else; who waits there goes on waiting."""
        self.session.execute("DELETE FROM fault.armed WHERE (point, scope) = (%s, %s)", [_NUMBERS[point], scope])

    def release(self, point: str, scope: int) -> None:
        """Let those at one point go on."""
        self.disarm(point, scope)
        self.session.execute("SELECT pg_advisory_unlock(%s, %s)", [_NUMBERS[point], scope])

    def lapse_leases(self, connections: list[int]) -> None:
        """Let the leases of rows and turns run out at once."""
        self.session.execute("SET session_replication_role = replica")  # past the triggers
        self.session.execute(
            "UPDATE activity_duejob SET due_at = now() - interval '1 second' WHERE leased AND job_id IN ("
            " SELECT job_id FROM activity_duejob WHERE connection_id = ANY(%s) FOR UPDATE SKIP LOCKED)",
            [connections],
        )
        self.session.execute(
            "UPDATE activity_drain SET until = now() - interval '1 second' WHERE connection_id IN ("
            " SELECT connection_id FROM activity_drain WHERE connection_id = ANY(%s) FOR UPDATE SKIP LOCKED)",
            [connections],
        )
        self.session.execute("SET session_replication_role = origin")

    def release_all(self) -> None:
        """Let everybody go on."""
        self.session.execute("DELETE FROM fault.armed")
        self.session.execute("SELECT pg_advisory_unlock_all()")

    def waiting(self) -> list[Waiting]:
        """Who stands where."""
        names = {number: point for point, number in _NUMBERS.items()}
        rows = self.session.execute(_WAITING).fetchall()
        return [Waiting(names[number], scope, int(process)) for number, scope, process in rows if process.isdigit()]

    def workers_at(self, task: str, scope: int) -> list[int]:
        """The processes that run a task for a connection, wherever they are in it."""
        rows = self.session.execute(
            "SELECT split_part(application_name, ' ', 1)::int FROM pg_stat_activity WHERE application_name ~ %s",
            [rf"^\d+ {task} {scope}$"],
        )
        return [process for (process,) in rows]

    def busy_workers(self) -> list[tuple[int, int]]:
        """Process and connection of every worker that drains one."""
        rows = self.session.execute(
            "SELECT split_part(application_name, ' ', 1)::int, split_part(application_name, ' ', 3)::int"
            " FROM pg_stat_activity WHERE application_name ~ '^\\d+ log_due_jobs \\d+$'"
        )
        return rows.fetchall()

    def reconnect(self) -> None:
        """After a restart of the database."""
        self.session.close()
        self.session = psycopg.connect(self.url, autocommit=True)
        self.session.execute("DELETE FROM fault.armed")
