"""The library's application, wired to a service's schema: the mapper, the recorder, the log."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from psycopg.conninfo import conninfo_to_dict

from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.recorder import LogRecorder
from services.chassis.eventstore.snapshots import shape_of
from services.chassis.eventstore.unit import AggregateKind

# How long an attempt waits for the append lock; after the last one the log is said to be away.
LOCK_TIMEOUT_SECONDS = 5
CONNECT_TIMEOUT_SECONDS = 2
IDLE_IN_TRANSACTION_SECONDS = 10


class LogApplication(Application[UUID]):
    """An event-sourced application over one schema's log.

    Commands go through the group-committing Writer; `save` of the library works as well, and
    gives the same order and the same `recorded_at`. The writer begins with snapshots where `kinds`
    names the kind of the aggregate.
    """

    name = "stored"
    recorder: LogRecorder

    def __init__(
        self,
        mapper: EventMapper,
        *,
        database_url: str,
        schema: str,
        kinds: Sequence[AggregateKind[Any]] = (),
    ) -> None:
        self._mapper = mapper
        super().__init__(env=_environment(database_url, schema))
        shapes = map(shape_of, kinds)
        self.recorder.shapes = tuple(shape for shape in shapes if shape is not None)

    def construct_mapper(self) -> EventMapper:
        """The service's own mapper: topics and versions instead of Python paths."""
        return self._mapper


def _environment(database_url: str, schema: str) -> dict[str, str]:
    """The library is configured through strings; the migrations own the tables."""
    parts: dict[str, Any] = conninfo_to_dict(database_url)
    return {
        "PERSISTENCE_MODULE": "services.chassis.eventstore.recorder:LogFactory",
        "CREATE_TABLE": "no",
        "POSTGRES_DBNAME": str(parts.get("dbname") or ""),
        "POSTGRES_HOST": str(parts.get("host") or ""),
        "POSTGRES_PORT": str(parts.get("port") or "5432"),
        "POSTGRES_USER": str(parts.get("user") or ""),
        "POSTGRES_PASSWORD": str(parts.get("password") or ""),
        "POSTGRES_SCHEMA": schema,
        "POSTGRES_ENABLE_DB_FUNCTIONS": "no",
        # The writer has one thread. A second connection would take every other group, with
        # statements, plans and caches of its own.
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_MAX_OVERFLOW": "0",
        # Unbounded: only the writer waits. Who waited in vain counts as waiting until there is a
        # connection again, and at a bound the pool would refuse before it tries to connect.
        "POSTGRES_MAX_WAITING": "0",
        "POSTGRES_CONNECT_TIMEOUT": str(CONNECT_TIMEOUT_SECONDS),
        "POSTGRES_LOCK_TIMEOUT": str(LOCK_TIMEOUT_SECONDS),
        "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": str(IDLE_IN_TRANSACTION_SECONDS),
    }
