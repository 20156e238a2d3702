"""The okrs rows that events lead to, without a database: everything stays in memory."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from contracts.cloudevents import CloudEvent
from services.projections.batch import Arrival, Batch, Ledger
from services.projections.checkpoints import DAWN
from services.projections.okrs.group import OkrsGroup, OkrsReadModel
from services.projections.okrs.model import Okrs
from services.projections.timeline import Version
from tests.unit.projections.goals_log import named


class Projected:
    """A read model that events are applied to, in as many batches as one likes."""

    def __init__(self, events: Iterable[CloudEvent] = ()) -> None:
        self.read_model = OkrsReadModel()
        self.ledger = Ledger()
        self.moment = DAWN
        self.batches: list[Batch] = []
        self.apply(events)

    @property
    def okrs(self) -> Okrs:
        return self.read_model._okrs

    def apply(self, events: Iterable[CloudEvent]) -> Batch:
        group = OkrsGroup()
        arrivals = [Arrival(each, group.aggregate_of(each), group.decode(each)) for each in events]
        batch = Batch(self.read_model, self.ledger, self.moment)
        batch.run(arrivals)
        self.moment = batch.moment
        self.batches.append(batch)
        return batch

    def progress(self, name: str) -> float | None:
        objective = self.okrs.objective(named(name))
        assert objective is not None
        return objective.progress

    def rows(self) -> dict[Any, Any]:
        """What holds now, by key."""
        return {key: row for key, row in self._current() if row is not None}

    def as_of(self, at: datetime) -> dict[Any, Any]:
        """What held at a moment, by key."""
        return {
            key: version.row
            for key, versions in self.versions().items()
            for version in versions
            if version.valid_from <= at and (version.valid_to is None or at < version.valid_to)
        }

    def versions(self) -> dict[Any, list[Version[Any]]]:
        """All versions, by key."""
        return {
            key: versions
            for timeline in self._timelines()
            for key in timeline._pasts
            if (versions := timeline.versions(key))
        }

    def _current(self) -> Iterable[tuple[Any, Any]]:
        for timeline in self._timelines():
            for key in timeline._pasts:
                yield key, timeline.get(key)

    def _timelines(self) -> list[Any]:
        okrs = self.okrs
        return [okrs.cycles, okrs.objectives, okrs.key_results, okrs.alignments]
