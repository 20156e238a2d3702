"""The okrs group: objectives, key results, alignments and cycles out of the goals stream."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.cloudevents import CloudEvent
from contracts.events import PublishedEvent
from contracts.subjects import GOALS_STREAM
from services.chassis.postgres import Connection
from services.projections.okrs import persistence
from services.projections.okrs.evolve import UNDERSTOOD, evolve
from services.projections.okrs.model import Okrs
from services.projections.okrs.rollup import roll_up

_SUBJECT: Final = re.compile(r"goals\.[a-z_]+\.([0-9a-f-]{36})\.[a-z_]+")


class OkrsReadModel:
    """The okrs rows that a batch of events moves."""

    def __init__(self) -> None:
        self._okrs = Okrs()

    @property
    def size(self) -> int:
        """How many rows it keeps."""
        okrs = self._okrs
        return len(okrs.objectives) + len(okrs.key_results) + len(okrs.alignments)

    async def load(
        self, connection: Connection, facts: Sequence[PublishedEvent], since: datetime
    ) -> None:
        """Load the cycles and objectives that the facts name, with all their ancestors."""
        await persistence.load_cycles(connection, self._okrs, _ids(facts, "cycle_id"), since)
        objectives = _ids(facts, "objective_id") | _ids(facts, "parent_objective_id")
        await persistence.load(connection, self._okrs, objectives, since)

    def apply(self, fact: PublishedEvent, *, position: int, at: datetime) -> None:
        """Apply one fact. Raises CannotApplyError, and changes nothing then."""
        for change in evolve(self._okrs, fact, position):
            self._okrs.put(change, at)

    def complete_moment(self, at: datetime) -> None:
        """Carry progress upwards."""
        roll_up(self._okrs, at)

    async def write(self, connection: Connection) -> None:
        """Write every version that changed."""
        await persistence.write(connection, self._okrs)

    def settle(self, at: datetime) -> None:
        """What was written, up to the moment `at`, is committed."""
        self._okrs.settle(at)


class OkrsGroup:
    """Follows the goals stream."""

    name: Final = "okrs"
    stream: Final = GOALS_STREAM

    def aggregate_of(self, event: CloudEvent) -> str:
        """The id in the subject; of a subject that has none, all of it."""
        match = _SUBJECT.fullmatch(event.subject)
        return match[1] if match else event.subject

    def decode(self, event: CloudEvent) -> PublishedEvent | None:
        """The published event, None for a type newer than this code. Raises ValueError."""
        understood = UNDERSTOOD.get(event.type)
        return None if understood is None else understood.model_validate_json(event.data)

    def read_model(self) -> OkrsReadModel:
        """A read model with nothing loaded."""
        return OkrsReadModel()


def _ids(facts: Iterable[PublishedEvent], field: str) -> set[UUID]:
    return {getattr(fact, field) for fact in facts if field in type(fact).model_fields}
