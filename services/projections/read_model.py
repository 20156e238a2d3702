"""What a group of read models gives so that it can be kept up to date from one stream."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from contracts.cloudevents import CloudEvent
from services.chassis.postgres import Connection


class CannotApplyError(Exception):
    """The event does not fit what is known: something is missing or not understood here."""


class ReadModel(Protocol):
    """The loaded part of a group's rows: one batch of events is loaded for, applied, written.

    It may keep rows from one batch to the next; who uses it throws it away when another process
    has written in between.
    """

    @property
    def size(self) -> int:
        """How many rows it keeps."""

    async def load(self, connection: Connection, facts: Sequence[Any], since: datetime) -> None:
        """Load what the facts can change; `since` is the moment of the last event applied."""

    def apply(self, fact: Any, *, position: int, at: datetime) -> None:
        """Apply one fact. Raises CannotApplyError, and changes nothing then."""

    def complete_moment(self, at: datetime) -> None:
        """All facts of the moment `at` that the batch has are applied: derive what follows."""

    async def write(self, connection: Connection) -> None:
        """Write what changed since the last `settle`."""

    def settle(self, at: datetime) -> None:
        """What was written, up to the moment `at`, is committed."""


class Group(Protocol):
    """A group of read models that follows one stream."""

    @property
    def name(self) -> str:
        """Its name in checkpoints and settings."""

    @property
    def stream(self) -> str:
        """The stream that it follows."""

    def aggregate_of(self, event: CloudEvent) -> str:
        """Which aggregate the event is of, told without its body."""

    def decode(self, event: CloudEvent) -> Any | None:
        """The fact in the event, None for a type newer than this code. Raises ValueError."""

    def read_model(self) -> ReadModel:
        """A read model with nothing loaded."""
