"""One append transaction: a group of commands decided, recorded and committed together."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import psycopg
from psycopg import Cursor
from psycopg.rows import DictRow

from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.errors import IdempotencyKeyReusedError
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.recorder import Append, GivenAnswer
from services.chassis.eventstore.replay import Replay, Row, UnusableSnapshotError, logged
from services.chassis.eventstore.snapshots import Snapshot, take
from services.chassis.eventstore.unit import AggregateKind, Answer, Command, Loaded, Unit

MAX_CACHED_AGGREGATES: Final = 20_000

# The command id of a keyed request follows from its caller and key alone.
_COMMAND_IDS: Final = UUID("b7a0a2f4-3f6f-5d0a-8a43-6c1f6d5f3c55")

IndexWriter = Callable[[Cursor[DictRow], Sequence[LoggedEvent]], None]
"""Writes, inside the append transaction, the index rows that follow from events."""


@dataclass(eq=False, slots=True)
class Request:
    """A command on its way through the writer, and what became of it."""

    command: Command
    command_id: UUID = field(init=False)
    key: str = field(init=False)
    answer: Answer | None = None
    error: Exception | None = None

    def __post_init__(self) -> None:
        command = self.command
        if command.key is None:
            self.command_id = uuid4()
            self.key = str(self.command_id)
        else:
            self.command_id = uuid5(_COMMAND_IDS, f"{command.actor.id}\n{command.key}")
            self.key = command.key

    @property
    def identity(self) -> tuple[str, str]:
        """Under what the answer is kept: a key belongs to its caller."""
        return self.command.actor.id, self.key


class Cache:
    """Aggregates as of `seen`, the last position whose effect they hold; least used go first."""

    def __init__(self) -> None:
        self.seen: int | None = None
        self._aggregates: OrderedDict[UUID, Loaded[Any]] = OrderedDict()

    def __contains__(self, aggregate_id: UUID) -> bool:
        return aggregate_id in self._aggregates

    def get(self, aggregate_id: UUID) -> Loaded[Any] | None:
        """The cached aggregate, if there is one."""
        loaded = self._aggregates.get(aggregate_id)
        if loaded is not None:
            self._aggregates.move_to_end(aggregate_id)
        return loaded

    def put(self, loaded: Loaded[Any]) -> None:
        """Keep an aggregate's newest state."""
        self._aggregates[loaded.id] = loaded
        self._aggregates.move_to_end(loaded.id)
        if len(self._aggregates) > MAX_CACHED_AGGREGATES:
            self._aggregates.popitem(last=False)

    def drop(self, aggregate_id: UUID) -> None:
        """Forget one aggregate."""
        self._aggregates.pop(aggregate_id, None)

    def forget(self) -> None:
        """Forget everything: the next group starts from the log."""
        self._aggregates.clear()
        self.seen = None


class CommitGroup:
    """Decides a group of requests inside one append transaction.

    Its cached aggregates change only in `keep`, after COMMIT: a group that fails leaves no trace.
    """

    def __init__(
        self, append: Append, mapper: EventMapper, cache: Cache, index: IndexWriter
    ) -> None:
        self._append = append
        self._mapper = mapper
        self._cache = cache
        self._index = index
        self._changed: dict[UUID, Loaded[Any]] = {}
        self._fetched: dict[UUID, list[Row]] = {}
        self._snapshots: list[Snapshot] = []
        self._pending: list[LoggedEvent] = []
        self._answered: list[tuple[Request, Answer]] = []
        self.head = 0

    def run(self, requests: Sequence[Request]) -> None:
        """Open the transaction, decide every request, insert what they led to."""
        self._open(requests)
        for request in requests:
            if request.answer is None and request.error is None:
                self._decide(request)
        self._flush()
        self._keep_snapshots()
        self._keep_answers()

    def keep(self) -> None:
        """The transaction is committed: its effects are the cache's, its answers the callers'."""
        for loaded in self._changed.values():
            self._cache.put(loaded)
        self._cache.seen = self.head
        for request, answer in self._answered:
            request.answer = answer

    def find(self, aggregate_id: UUID, kind: AggregateKind[Any]) -> Loaded[Any] | None:
        """The aggregate after the group's earlier commands; loaded when it must be."""
        loaded = self._changed.get(aggregate_id) or self._cache.get(aggregate_id)
        if loaded is not None:
            return loaded
        rows: Sequence[Row] | None = self._fetched.get(aggregate_id)
        if rows is None:
            rows = self._append.select_replay(aggregate_id)
        loaded = self._replayed(kind, aggregate_id, rows)
        if loaded is not None:
            self._cache.put(loaded)
        return loaded

    def _replayed(
        self, kind: AggregateKind[Any], aggregate_id: UUID, rows: Sequence[Row]
    ) -> Loaded[Any] | None:
        replay = Replay(self._mapper)
        try:
            loaded = replay.aggregate(kind, rows)
        except UnusableSnapshotError:
            rows = self._append.select_replay(aggregate_id, snapshots=False)
            loaded = replay.aggregate(kind, rows)
        # Those before it are left to readers: a group holds the lock.
        self._snapshots.extend(replay.due[-1:])
        return loaded

    def flushed_cursor(self) -> Cursor[DictRow]:
        """The cursor, once the earlier commands' events and index rows are in."""
        self._flush()
        return self._append.cursor

    def _open(self, requests: Sequence[Request]) -> None:
        touches = {
            aggregate_id
            for request in requests
            for aggregate_id in request.command.touches
            if aggregate_id not in self._cache
        }
        opening = self._append.open(
            self._cache.seen, list(touches), [request.identity for request in requests]
        )
        self.recorded_at = opening.recorded_at
        self.head = opening.head
        self._catch_up(opening.tail)
        for aggregate_id in touches:
            self._fetched[aggregate_id] = []
        for row in opening.touched:
            self._fetched[row.originator_id].append(row)
        self._answer_again(requests, opening.answered)

    def _catch_up(self, tail: Sequence[Row] | None) -> None:
        """Bring cached aggregates to what other processes have recorded meanwhile."""
        if tail is None:
            self._cache.forget()
        for row in tail or ():
            loaded = self._cache.get(row.originator_id)
            if loaded is None or row.originator_version <= loaded.version:
                continue
            if row.originator_version == loaded.version + 1:
                self._cache.put(loaded.after(logged(self._mapper, row)))
            else:
                self._cache.drop(loaded.id)
        self._cache.seen = self.head

    def _answer_again(self, requests: Sequence[Request], rows: Sequence[DictRow]) -> None:
        answered = {(row["caller"], row["key"]): row for row in rows}
        for request in requests:
            row = answered.get(request.identity)
            if row is None:
                continue
            if bytes(row["request_hash"]) != request.command.request_hash:
                request.error = IdempotencyKeyReusedError()
                continue
            request.answer = Answer(
                status=row["status"],
                body=bytes(row["body"]),
                etag=row["etag"],
                location=row["location"],
                position=row["position"],
                replayed=True,
            )

    def _decide(self, request: Request) -> None:
        unit = Unit(self, request.command, request.command_id)
        try:
            answer = request.command.decide(unit)
        except psycopg.Error:
            raise  # the transaction is lost, and with it the group
        except Exception as error:
            if unit.writes_beside:
                raise  # only with the transaction is it taken back
            request.error = error  # a command that fails, fails alone
            return
        for event, state in unit.steps:
            self._pending.append(event)
            self._snapshots.extend(filter(None, [take(state, event)]))
        self._changed.update(unit.changed)
        self.head = unit.position
        self._answered.append((request, replace(answer, position=unit.position)))

    def _flush(self) -> None:
        """Insert what was decided since the last flush, then the index rows that follow."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        self._append.insert(
            [self._mapper.to_stored_event(event) for event in pending], self.recorded_at
        )
        self._index(self._append.cursor, pending)

    def _keep_answers(self) -> None:
        if self._answered:
            self._append.keep_answers(
                [_row(request, answer) for request, answer in self._answered], self.recorded_at
            )

    def _keep_snapshots(self) -> None:
        if self._snapshots:
            self._append.keep_snapshots(self._snapshots)


def _row(request: Request, answer: Answer) -> GivenAnswer:
    assert answer.position is not None
    caller, key = request.identity
    return GivenAnswer(
        caller,
        key,
        request.command.request_hash,
        answer.status,
        answer.body,
        answer.etag,
        answer.location,
        answer.position,
    )
