"""What a group of read models gives so that it can be kept up to date from one stream."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from contracts.cloudevents import CloudEvent
from services.chassis.postgres import Connection


class CannotApplyError(Exception):
    """The event does not fit what is known: something is missing or not understood here."""


class UnreadableEventError(Exception):
    """The body of an event is not what its type says. The message repeats nothing of the body."""


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

    async def write(self, connection: Connection, at: datetime) -> None:
        """Write what changed, up to the moment `at`; from then on it counts as stored."""


class Group(Protocol):
    """A group of read models that follows one stream."""

    @property
    def name(self) -> str:
        """Its name in checkpoints and settings."""

    @property
    def stream(self) -> str:
        """The stream that it follows."""

    def decode(self, event: CloudEvent) -> Any | None:
        """The fact in the event, None for a type newer than this code.

        Raises UnreadableEventError.
        """

    def read_model(self) -> ReadModel:
        """A read model with nothing loaded."""
