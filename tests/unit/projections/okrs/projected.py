"""The okrs rows that events lead to, without a database: everything stays in memory."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import astuple

from contracts.cloudevents import CloudEvent
from services.projections.batch import Arrival, Batch, Ledger
from services.projections.checkpoints import DAWN
from services.projections.okrs.group import OkrsGroup, OkrsReadModel
from services.projections.okrs.model import Okrs
from services.projections.okrs.rows import Alignment
from services.projections.timeline import Version
from tests.unit.projections.goals_log import named
from tests.unit.projections.stored_versions import StoredVersions


class Projected:
    """A read model that events are applied to, in as many batches as one likes."""

    def __init__(self, events: Iterable[CloudEvent] = ()) -> None:
        self.read_model = OkrsReadModel()
        self.ledger = Ledger()
        self.moment = DAWN
        self.batches: list[Batch] = []
        self._stored: list[StoredVersions[Any, Any]] = [StoredVersions() for _ in range(5)]
        self.apply(events)

    @property
    def okrs(self) -> Okrs:
        return self.read_model._okrs

    def apply(self, events: Iterable[CloudEvent]) -> Batch:
        group = OkrsGroup()
        arrivals = [Arrival(each, group.decode(each)) for each in events]
        batch = Batch(self.read_model, self.ledger, self.moment)
        batch.run(arrivals)
        self.moment = batch.moment
        self.batches.append(batch)
        for timeline, stored in zip(self._timelines(), self._stored, strict=True):
            stored.write(timeline.rewrite(batch.moment), key_of)
        return batch

    def progress(self, name: str) -> float | None:
        progress = self.okrs.progress.get(named(name))
        assert progress is not None
        return progress.progress

    def versions(self) -> dict[Any, list[Version[Any]]]:
        """All versions, by kind and key, oldest first."""
        return by_kind_and_key(self._all())

    def rows(self) -> dict[Any, Any]:
        """What holds now, by kind and key."""
        return {kind_and_key(each.row): each.row for each in self._all() if each.valid_to is None}

    def as_of(self, at: datetime) -> dict[Any, Any]:
        """What held at a moment, by kind and key."""
        return {
            kind_and_key(each.row): each.row
            for each in self._all()
            if each.valid_from <= at and (each.valid_to is None or at < each.valid_to)
        }

    def _all(self) -> list[Version[Any]]:
        return [version for stored in self._stored for version in stored.versions.values()]

    def _timelines(self) -> list[Any]:
        okrs = self.okrs
        return [okrs.cycles, okrs.objectives, okrs.progress, okrs.key_results, okrs.alignments]


def by_kind_and_key(versions: Iterable[Version[Any]]) -> dict[Any, list[Version[Any]]]:
    """Versions by kind and key, oldest first."""
    found: dict[Any, list[Version[Any]]] = {}
    for version in sorted(versions, key=lambda version: version.valid_from):
        found.setdefault(kind_and_key(version.row), []).append(version)
    return found


def kind_and_key(row: Any) -> tuple[type, Any]:
    return type(row), key_of(row)


def key_of(row: Any) -> Any:
    return row.key if isinstance(row, Alignment) else astuple(row)[0]
