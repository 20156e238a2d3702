"""The okrs group: objectives, key results, alignments and cycles out of the goals stream."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from contracts.cloudevents import CloudEvent
from contracts.events import PublishedEvent
from contracts.subjects import GOALS_STREAM
from services.chassis.postgres import Connection
from services.projections.okrs import persistence
from services.projections.okrs.evolve import LEAVES_NO_TRACE, UNDERSTOOD, evolve
from services.projections.okrs.model import Okrs
from services.projections.okrs.rollup import roll_up
from services.projections.read_model import UnreadableEventError

_FIELDS: Final = {fact: frozenset(fact.model_fields) for fact in UNDERSTOOD.values()}
_NUL: Final = rb"\u0000"


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
        """Load the cycles and objectives that the facts can change, with all their ancestors."""
        changing = [fact for fact in facts if type(fact) not in LEAVES_NO_TRACE]
        await persistence.load_cycles(connection, self._okrs, _ids(changing, "cycle_id"), since)
        objectives = _ids(changing, "objective_id") | _ids(changing, "parent_objective_id")
        await persistence.load(connection, self._okrs, objectives, since)

    def apply(self, fact: PublishedEvent, *, position: int, at: datetime) -> None:
        """Apply one fact. Raises CannotApplyError, and changes nothing then."""
        for change in evolve(self._okrs, fact, position):
            self._okrs.put(change, at)

    def complete_moment(self, at: datetime) -> None:
        """Carry progress upwards."""
        roll_up(self._okrs, at)

    async def write(self, connection: Connection, at: datetime) -> None:
        """Write every version that changed, up to the moment `at`."""
        await persistence.write(connection, self._okrs, at)


class OkrsGroup:
    """Follows the goals stream."""

    name: Final = "okrs"
    stream: Final = GOALS_STREAM

    def decode(self, event: CloudEvent) -> PublishedEvent | None:
        """The published event, None for a type newer than this code.

        Raises UnreadableEventError.
        """
        understood = UNDERSTOOD.get(event.type)
        if understood is None:
            return None
        if _NUL in event.data and understood not in LEAVES_NO_TRACE:
            raise UnreadableEventError("it has a NUL character, which PostgreSQL cannot store")
        try:
            return understood.model_validate_json(event.data)
        except ValidationError as error:
            raise UnreadableEventError(_faults(error)) from error

    def read_model(self) -> OkrsReadModel:
        """A read model with nothing loaded."""
        return OkrsReadModel()


OKRS: Final = OkrsGroup()


def _faults(error: ValidationError) -> str:
    """Which fields are wrong and how, without what they hold."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)


def _ids(facts: Iterable[PublishedEvent], field: str) -> set[UUID]:
    return {getattr(fact, field) for fact in facts if field in _FIELDS[type(fact)]}
