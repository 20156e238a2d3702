"""One batch of events through a read model: what applies, what is passed over, what is parked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from contracts.cloudevents import CloudEvent
from services.projections.read_model import CannotApplyError, ReadModel

Place = Literal["next", "applied", "missing", "waiting"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event with what its group reads in it.

    `fact` is None when the type is newer than this code, or when `fault` says why the body
    could not be read.
    """

    event: CloudEvent
    fact: Any | None
    fault: str | None = None

    @property
    def aggregate(self) -> str:
        """Which aggregate the event is of: it is the subject of every event of a log."""
        return self.event.subject


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that was put aside. `reason` is None when it only waits behind another."""

    arrival: Arrival
    reason: str | None


class Ledger:
    """The version that was applied last of each loaded aggregate, and which ones are parked."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.parked: set[str] = set()

    def place(self, aggregate: str, version: int) -> Place:
        """Where an event with this version stands in the order of its aggregate."""
        applied = self.versions.get(aggregate, 0)
        if version <= applied:
            return "applied"
        if aggregate in self.parked:
            return "waiting"
        return "next" if version == applied + 1 else "missing"


@dataclass(slots=True)
class Batch:
    """A batch on its way through a read model.

    `moment` is that of the last event applied before. An event recorded before it, which is one
    that was parked, is applied as of this moment: what was known until then is not rewritten.
    """

    read_model: ReadModel
    ledger: Ledger
    moment: datetime
    skipped: int = 0
    parked: list[Parked] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)

    def run(self, arrivals: Iterable[Arrival]) -> None:
        """Take each event in order, and complete each moment after its last event."""
        for arrival in arrivals:
            if arrival.event.time > self.moment:
                self.read_model.complete_moment(self.moment)
                self.moment = arrival.event.time
            self._take(arrival)
        self.read_model.complete_moment(self.moment)

    def _take(self, arrival: Arrival) -> None:
        place = self.ledger.place(arrival.aggregate, arrival.event.aggregate_version)
        if place == "waiting":
            self.parked.append(Parked(arrival, None))
        elif place != "applied":
            reason = self._missing(arrival) if place == "missing" else self._apply(arrival)
            if reason is not None:
                self._park(arrival, reason)

    def _apply(self, arrival: Arrival) -> str | None:
        """Apply the event, or say why that is not possible."""
        event, fact = arrival.event, arrival.fact
        if arrival.fault is not None:
            return arrival.fault
        if fact is None:
            self.skipped += 1
        else:
            try:
                self.read_model.apply(fact, position=event.position, at=self.moment)
            except CannotApplyError as error:
                return str(error)
            except Exception as error:  # noqa: BLE001  a defect must not stop the stream either
                return f"{type(error).__name__}: {error}"
        self.ledger.versions[arrival.aggregate] = event.aggregate_version
        self.touched.add(arrival.aggregate)
        return None

    def _missing(self, arrival: Arrival) -> str:
        applied = self.ledger.versions.get(arrival.aggregate, 0)
        return f"version {arrival.event.aggregate_version} came after version {applied}"

    def _park(self, arrival: Arrival, reason: str) -> None:
        self.ledger.parked.add(arrival.aggregate)
        self.parked.append(Parked(arrival, reason))
