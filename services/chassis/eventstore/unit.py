"""What a use case sees while it decides: exact current state, one clock, one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import DictRow

from services.chassis.eventstore.context import Actor, Context, Event, LoggedEvent
from services.chassis.eventstore.errors import AggregateNotFoundError, StaleVersionError

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class AggregateKind(Generic[S]):
    """A kind of aggregate: its name in messages, how it begins, how its state follows from events.

    An id whose history does not begin with an event of class `first` names nothing of this kind.
    Snapshots are taken of a kind that names the class of its `state`, which msgspec encodes. Bump
    `snapshot_version` when `evolve` makes another state of the same events; a change of the state's
    structure is noticed without.
    """

    name: str
    first: type[Event]
    evolve: Callable[[S | None, LoggedEvent], S]
    state: type[S] | None = None
    snapshot_version: int = 1


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """An aggregate's state, and the number of events that led to it."""

    id: UUID
    version: int
    state: S
    kind: AggregateKind[S]

    def expect(self, version: int) -> "Loaded[S]":
        """The same, if it stands at that version. Raises StaleVersionError."""
        if version != self.version:
            raise StaleVersionError(version, self.version)
        return self

    def after(self, event: LoggedEvent) -> "Loaded[S]":
        """The same aggregate, one event on."""
        return Loaded(
            self.id, event.originator_version, self.kind.evolve(self.state, event), self.kind
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered, and answered again when its key comes back.

    `etag` is the aggregate's version, `position` the place in the log of the command's last
    event (of the log's end before it, when it led to none); the writer fills in `position`.
    """

    status: int
    body: bytes
    etag: int | None = None
    location: str | None = None
    position: int | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing to do in the log.

    `decide` runs in the writer's thread inside the append transaction; it raises a domain error
    to refuse. `key` is the caller's Idempotency-Key and `request_hash` what it was sent with.
    `touches` names aggregates that `decide` will load, so that one query loads them all.
    """

    decide: Callable[["Unit"], Answer]
    actor: Actor
    correlation_id: str
    causation_id: str | None = None
    reason: str | None = None
    effective_at: datetime | None = None
    key: str | None = None
    request_hash: bytes = b""
    touches: tuple[UUID, ...] = ()


class Group(Protocol):
    """The append transaction as a unit sees it: shared by all commands of the group."""

    recorded_at: datetime

    @property
    def head(self) -> int:
        """The position of the last event decided so far."""

    def find(self, aggregate_id: UUID, kind: AggregateKind[Any]) -> Loaded[Any] | None:
        """The aggregate as it stands after the group's earlier commands."""

    def flushed_cursor(self) -> Cursor[DictRow]:
        """The transaction's cursor, once the earlier commands' events and index rows are in."""


class Unit:
    """One command's view of the append transaction.

    Nothing that it records, or writes through `index`, is committed unless `decide` returns.
    """

    def __init__(self, group: Group, command: Command, command_id: UUID) -> None:
        self._group = group
        self._recorded: dict[UUID, Loaded[Any]] = {}
        self._head = group.head
        self.steps: list[tuple[LoggedEvent, Loaded[Any]]] = []
        # Whether it may have written to tables beside the log.
        self.writes_beside = False
        self.now = group.recorded_at
        self.context = Context(
            actor=command.actor,
            effective_at=command.effective_at or group.recorded_at,
            command_id=command_id,
            correlation_id=command.correlation_id,
            causation_id=command.causation_id,
            reason=command.reason,
        )

    @property
    def position(self) -> int:
        """Where the log ends after what this command has recorded so far."""
        return self._head + len(self.steps)

    @property
    def events(self) -> list[LoggedEvent]:
        """What this command has recorded so far."""
        return [event for event, _ in self.steps]

    @property
    def changed(self) -> dict[UUID, Loaded[Any]]:
        """The aggregates this command changed."""
        return self._recorded

    def find(self, kind: AggregateKind[S], aggregate_id: UUID) -> Loaded[S] | None:
        """The aggregate as it stands now, or None when there is none of that kind."""
        found = self._recorded.get(aggregate_id) or self._group.find(aggregate_id, kind)
        return found if found is not None and found.kind is kind else None

    def load(self, kind: AggregateKind[S], aggregate_id: UUID) -> Loaded[S]:
        """The aggregate as it stands now. Raises AggregateNotFoundError."""
        found = self.find(kind, aggregate_id)
        if found is None:
            raise AggregateNotFoundError(kind.name, aggregate_id)
        return found

    def record(
        self,
        kind: AggregateKind[S],
        aggregate_id: UUID,
        *events: Event,
        context: Context | None = None,
    ) -> Loaded[S]:
        """Append events to an aggregate (a new one where there is none); its state after them.

        `context` says who did it and why where that is not the command's own.
        """
        loaded = self.find(kind, aggregate_id)
        for event in events:
            logged = LoggedEvent(
                originator_id=aggregate_id,
                originator_version=loaded.version + 1 if loaded else 1,
                event=event,
                context=context or self.context,
                position=self.position + 1,
                recorded_at=self.now,
            )
            loaded = apply(loaded, kind, logged)
            self.steps.append((logged, loaded))
        if loaded is None:
            raise AggregateNotFoundError(kind.name, aggregate_id)
        self._recorded[aggregate_id] = loaded
        return loaded

    def index(self, *, writing: bool = False) -> Cursor[DictRow]:
        """A cursor in the append transaction, for the indexes and tables beside the log.

        Rows that follow from events of earlier commands are there; those of this command's own
        events are written after it has returned. Who writes says so: should the command raise
        then, the transaction is taken back, and the others of its group are decided anew.
        """
        self.writes_beside = self.writes_beside or writing
        return self._group.flushed_cursor()


def apply(loaded: Loaded[S] | None, kind: AggregateKind[S], event: LoggedEvent) -> Loaded[S]:
    """The aggregate after one more event."""
    if loaded is not None:
        return loaded.after(event)
    state = kind.evolve(None, event)
    return Loaded(event.originator_id, event.originator_version, state, kind)
