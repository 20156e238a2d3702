"""What can go wrong with the log itself, in words that know nothing of HTTP."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID


class EventLogError(Exception):
    """Base of the log's errors. `extensions` are facts that a program can act on."""

    extensions: Mapping[str, object] = MappingProxyType({})


class AggregateNotFoundError(EventLogError):
    """There is no aggregate of that kind with that id (or there was none yet, at that time)."""

    def __init__(self, kind: str, aggregate_id: UUID) -> None:
        super().__init__(f"There is no {kind} {aggregate_id}.")
        self.kind = kind
        self.aggregate_id = aggregate_id


class VersionNotReachedError(EventLogError):
    """The aggregate is there, but has not come to that version."""

    def __init__(self, kind: str, aggregate_id: UUID, wanted: int, newest: int) -> None:
        super().__init__(
            f"There is no version {wanted} of the {kind} {aggregate_id}: {newest} is its newest."
        )
        self.extensions = {"wanted": wanted, "newest": newest}


class StaleVersionError(EventLogError):
    """The change was made for another version of the aggregate than the one that stands."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(
            f"The change was made for version {expected}, but version {actual} stands: "
            "read it again and decide anew."
        )
        self.expected = expected
        self.actual = actual


class IdempotencyKeyReusedError(EventLogError):
    """The key was used before, for another request."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used before with another request.")


class CommandInFlightError(EventLogError):
    """A request with the same key is being worked on."""

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is being worked on: ask again.")


class WriterOverloadedError(EventLogError):
    """More commands wait than the writer takes on; nothing of this one was done."""

    def __init__(self) -> None:
        super().__init__("Too many commands are waiting. Nothing was recorded; try again.")


class LogUnavailableError(EventLogError):
    """The database cannot be reached, or its answer to the commit was lost.

    The same command with the same key is safe to send again: it takes effect once.
    """

    def __init__(self) -> None:
        super().__init__(
            "The event log cannot be reached. Whether the command was recorded is not known: "
            "send it again with the same Idempotency-Key."
        )


class LogBehindError(EventLogError):
    """A reader's position lies beyond the end of the log: the log lost events it had shown."""

    def __init__(self, position: int, head: int) -> None:
        super().__init__(
            f"Position {position} was seen before, but the log ends at {head}: "
            "it is not the log it was. Restore it, or rebuild what was built from it."
        )
