"""The library's PostgreSQL recorder, with position and moment assigned under its lock.

The EXCLUSIVE table lock makes appends serial across processes. Everything that must be decided
on exact current state therefore happens between taking it and COMMIT: `appending()` opens that
window, `Append` is what can be done in it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import ProgrammingError, StoredEvent
from eventsourcing.postgres import (
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresFactory,
)
from eventsourcing.utils import Environment, EnvType
from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from services.chassis.eventstore.arrays import BigintArray, ByteaArray, TextArray, UuidArray
from services.chassis.eventstore.replay import SELECT_REPLAY, Row, replay_parameters
from services.chassis.eventstore.snapshots import KEEP, Snapshot, as_parameters
from services.chassis.postgres import RECONNECT_SECONDS, connection_options, milliseconds

# More of the log than this is not replayed into cached aggregates: they are loaded afresh.
MAX_TAIL_EVENTS = 2_000
# The statements of the largest plan take a few.
STATEMENT_TIMEOUT_SECONDS = 30


def log_channel(schema: str) -> str:
    """On what the log in this schema says, at COMMIT, that it has grown.

    A channel belongs to a database, in which every service has a schema.
    """
    return f"{schema}_stored_events"


class GivenAnswer(NamedTuple):
    """A row of `commands`: what a caller's key was answered."""

    caller: str
    key: str
    request_hash: bytes
    status: int
    body: bytes
    etag: int | None
    location: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What an append transaction learns first, under the lock.

    `tail` holds the events after the position the caller had last seen, or None when there are
    too many of them (or the log is shorter than the caller remembers).
    """

    recorded_at: datetime
    head: int
    tail: Sequence[Row] | None
    touched: Sequence[Row]
    answered: Sequence[DictRow]


class LogRecorder(PostgresApplicationRecorder):
    """Application recorder that stores `recorded_at`, which never decreases with position."""

    def __init__(
        self, datastore: PostgresDatastore, *, events_table_name: str = "stored_events"
    ) -> None:
        if datastore.enable_db_functions:
            raise ProgrammingError(
                "POSTGRES_ENABLE_DB_FUNCTIONS drops the table lock: "
                "readers of the log would miss events. Leave it off."
            )
        super().__init__(datastore, events_table_name=events_table_name)
        self.channel_name = log_channel(datastore.schema)
        names = {
            "table": Identifier(datastore.schema, events_table_name),
            "commands": Identifier(datastore.schema, "commands"),
            "snapshots": Identifier(datastore.schema, "stored_snapshots"),
        }
        # Snapshots of other shapes than these are not looked at.
        self.shapes: Sequence[str] = ()
        # Rendered once: the driver would render a composed statement at every execution.
        self._select_head = _HEAD.format(**names).as_bytes()
        self._select_tail = _TAIL.format(**names).as_bytes()
        self._select_replay = SELECT_REPLAY.format(**names).as_bytes()
        self._keep_snapshots = KEEP.format(**names).as_bytes()
        self._select_commands = _COMMANDS.format(**names).as_bytes()
        self._insert_commands = _INSERT_COMMANDS.format(**names).as_bytes()
        self._insert_events_at = _INSERT.format(**names).as_bytes()

    @contextmanager
    def appending(self) -> Iterator["Append"]:
        """Open the one transaction in which this process may append; commits at the end.

        The connection is in pipeline mode: a statement is sent when the one who wrote it fetches,
        or with the COMMIT. A group thus costs two round trips.
        """
        with (
            self.datastore.get_connection() as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            yield Append(self, connection)

    def _insert_stored_events(
        self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: Any
    ) -> None:
        """Insert in the library's own way of saving, through `Application.save`."""
        self._lock_table(curs)
        self._notify_channel(curs)
        curs.execute(self._insert_events_at, _parameters(stored_events, None), prepare=True)


class Append:
    """One append transaction: open it, insert what was decided, leave it to commit."""

    def __init__(self, recorder: LogRecorder, connection: Connection[DictRow]) -> None:
        self._recorder = recorder
        self._connection = connection
        self.cursor: Cursor[DictRow] = connection.cursor()

    def open(
        self, seen: int | None, touches: Sequence[UUID], keys: Sequence[tuple[str, str]]
    ) -> Opening:
        """Take the lock and read, in one round trip, what the group needs to know.

        `seen` is the last position the caller's cache holds (None: nothing is cached), `touches`
        the aggregates to load, `keys` the (caller, key) pairs that may have been answered before.
        """
        recorder, connection = self._recorder, self._connection
        recorder._lock_table(self.cursor)  # noqa: SLF001 - the library's own hook
        recorder._notify_channel(self.cursor)  # noqa: SLF001 - the library's own hook
        head = connection.execute(recorder._select_head, prepare=True)  # noqa: SLF001
        tail = connection.execute(
            recorder._select_tail,  # noqa: SLF001
            {"seen": seen if seen is not None else -1, "limit": _tail_limit(seen)},
            prepare=True,
        )
        touched = connection.execute(
            recorder._select_replay,  # noqa: SLF001
            replay_parameters(UuidArray(touches), TextArray(recorder.shapes)),
            prepare=True,
        )
        answered = connection.execute(
            recorder._select_commands,  # noqa: SLF001
            {
                "callers": TextArray([caller for caller, _ in keys]),
                "keys": TextArray([key for _, key in keys]),
            },
            prepare=True,
        )
        now = head.fetchone()
        assert now is not None
        rows = tail.fetchall()
        known = seen is not None and len(rows) <= MAX_TAIL_EVENTS and now["head"] >= seen
        return Opening(
            recorded_at=now["recorded_at"].astimezone(UTC),
            head=now["head"],
            tail=[_row(row) for row in rows] if known else None,
            touched=[_row(row) for row in touched.fetchall()],
            answered=answered.fetchall(),
        )

    def select_replay(self, aggregate_id: UUID, *, snapshots: bool = True) -> Sequence[Row]:
        """What one aggregate's state follows from, as it stands in this transaction."""
        shapes = self._recorder.shapes if snapshots else ()
        self.cursor.execute(
            self._recorder._select_replay,  # noqa: SLF001
            replay_parameters(UuidArray([aggregate_id]), TextArray(shapes)),
            prepare=True,
        )
        return [_row(row) for row in self.cursor.fetchall()]

    def insert(self, stored_events: Sequence[StoredEvent], recorded_at: datetime) -> None:
        """Insert events, directly after the last one in the log and in the same order."""
        self.cursor.execute(
            self._recorder._insert_events_at,  # noqa: SLF001
            _parameters(stored_events, recorded_at),
            prepare=True,
        )

    def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Insert snapshots, each after the event that it follows; those that are there stay."""
        self.cursor.execute(
            self._recorder._keep_snapshots,  # noqa: SLF001
            as_parameters(snapshots),
            prepare=True,
        )

    def keep_answers(self, answers: Sequence[GivenAnswer], recorded_at: datetime) -> None:
        """Insert what the commands were answered, so that their keys get it again."""
        columns = list(zip(*answers, strict=True))
        self.cursor.execute(
            self._recorder._insert_commands,  # noqa: SLF001
            {
                name: _ARRAYS[name](column)
                for name, column in zip(GivenAnswer._fields, columns, strict=True)
            }
            | {"recorded_at": recorded_at},
            prepare=True,
        )


class LogFactory(PostgresFactory):
    """The library's infrastructure factory, with this recorder and bounded waits."""

    application_recorder_class = LogRecorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        # The library leaves these at the driver's minutes and the system's hours.
        pool = self.datastore.pool
        pool.reconnect_timeout = RECONNECT_SECONDS
        assert isinstance(pool.kwargs, dict)
        statement_timeout = milliseconds(STATEMENT_TIMEOUT_SECONDS)
        pool.kwargs.update(connection_options(statement_timeout=statement_timeout))


def _tail_limit(seen: int | None) -> int:
    return 0 if seen is None else MAX_TAIL_EVENTS + 1


def _row(row: DictRow) -> Row:
    # The library's connections speak in the server's time zone, and states are kept with theirs.
    return Row(**{**row, "recorded_at": row["recorded_at"].astimezone(UTC)})


_ARRAYS: dict[str, Callable[[Any], object]] = {
    "caller": TextArray,
    "key": TextArray,
    "location": TextArray,
    "request_hash": ByteaArray,
    "body": ByteaArray,
    "status": BigintArray,
    "etag": BigintArray,
    "position": BigintArray,
}


def _uuid(event: StoredEvent) -> UUID:
    assert isinstance(event.originator_id, UUID)
    return event.originator_id


def _parameters(events: Sequence[StoredEvent], recorded_at: datetime | None) -> dict[str, Any]:
    return {
        "ids": UuidArray([_uuid(event) for event in events]),
        "versions": BigintArray([event.originator_version for event in events]),
        "topics": TextArray([event.topic for event in events]),
        "states": ByteaArray([event.state for event in events]),
        "recorded_at": recorded_at,
    }


# The wall clock may step back; the log's time does not. It does not stand still between two groups
# either: as of the moment of one, nothing of the next may be known.
_HEAD: SQL = SQL(
    "SELECT greatest(clock_timestamp(), last.recorded_at + interval '1 microsecond')"
    " AS recorded_at,"
    " coalesce(last.notification_id, 0) AS head"
    " FROM (SELECT 1) AS one LEFT JOIN LATERAL"
    " (SELECT notification_id, recorded_at FROM {table}"
    " ORDER BY notification_id DESC LIMIT 1) AS last ON true"
)
_TAIL: SQL = SQL(
    "SELECT originator_id, originator_version, notification_id AS position, recorded_at,"
    " state, topic, NULL AS shape"
    " FROM {table} WHERE notification_id > %(seen)s ORDER BY notification_id LIMIT %(limit)s"
)
# LATERAL, because a plain join is planned once, while the table is new and believed small, and
# would then read all of it for every group.
_COMMANDS: SQL = SQL(
    "SELECT c.caller, c.key, c.request_hash, c.status, c.body, c.etag, c.location, c.position"
    " FROM unnest(%(callers)s::text[], %(keys)s::text[]) AS asked (caller, key)"
    " CROSS JOIN LATERAL (SELECT * FROM {commands} AS stored"
    " WHERE stored.caller = asked.caller AND stored.key = asked.key OFFSET 0) AS c"
)
# Positions are counted under the lock instead of drawn from a sequence: a rolled-back append
# leaves no hole, and a decision knows the positions of its events before they are inserted.
_INSERT: SQL = SQL(
    "INSERT INTO {table}"
    " (notification_id, recorded_at, originator_id, originator_version, topic, state)"
    " SELECT last.position + place, coalesce(%(recorded_at)s::timestamptz, last.now),"
    " originator_id, originator_version, topic, state"
    " FROM unnest(%(ids)s::uuid[], %(versions)s::bigint[], %(topics)s::text[],"
    " %(states)s::bytea[]) WITH ORDINALITY"
    " AS e (originator_id, originator_version, topic, state, place),"
    " (SELECT coalesce(max(notification_id), 0) AS position,"
    " greatest(clock_timestamp(), max(recorded_at) + interval '1 microsecond') AS now FROM"
    " (SELECT notification_id, recorded_at FROM {table}"
    " ORDER BY notification_id DESC LIMIT 1) AS newest) AS last"
    " ORDER BY place RETURNING notification_id"
)
_INSERT_COMMANDS: SQL = SQL(
    "INSERT INTO {commands}"
    " (caller, key, request_hash, status, body, etag, location, position, recorded_at)"
    " SELECT *, %(recorded_at)s::timestamptz FROM unnest(%(caller)s::text[], %(key)s::text[],"
    " %(request_hash)s::bytea[], %(status)s::smallint[], %(body)s::bytea[], %(etag)s::bigint[],"
    " %(location)s::text[], %(position)s::bigint[])"
)
