"""A goals log as the bus would deliver it, written one fact at a time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts import goals
from contracts.cloudevents import CloudEvent, event_id
from contracts.events import Actor, EventContext, PublishedEvent

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Q1 = UUID(int=1)
_IDS = UUID("9b1f0c1e-3c55-5f0e-8f43-0c9a3c1f5a11")


def named(name: str) -> UUID:
    """The same id for the same name in every test."""
    return uuid5(_IDS, name)


class GoalsLog:
    """Events at growing positions, each in its own moment unless `same_moment` is asked for.

    Positions have holes, as a real log's have. Objectives and key results are called by names.
    """

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []
        self.facts: list[PublishedEvent] = []
        self.now = START
        self._versions: dict[UUID, int] = {}

    def __iter__(self) -> Iterator[CloudEvent]:
        return iter(self.events)

    def after(self, step: timedelta) -> "GoalsLog":
        """Let time pass."""
        self.now += step
        return self

    def same_moment(self) -> "GoalsLog":
        """Let the next event be recorded at the moment of the last one."""
        self.now -= SECOND
        return self

    def cycle(
        self,
        cycle_id: UUID = Q1,
        *,
        name: str = "Q1 2026",
        starts_on: date = date(2026, 1, 1),
        ends_on: date = date(2026, 3, 31),
        active: bool = True,
    ) -> UUID:
        self.add(
            cycle_id,
            goals.CyclePlanned,
            cycle_id=cycle_id,
            name=name,
            starts_on=starts_on,
            ends_on=ends_on,
            cadence="quarter",
            check_in_rhythm="weekly",
        )
        if active:
            self.add(cycle_id, goals.CycleActivated, cycle_id=cycle_id)
        return cycle_id

    def objective(
        self,
        name: str,
        key_results: dict[str, float] | None = None,
        *,
        cycle_id: UUID = Q1,
        owner: tuple[str, str] = ("team", "sales"),
        ambition: str = "committed",
        active: bool = True,
        **fields: Any,
    ) -> UUID:
        """Draft an objective with key results from 0 to 100 with these weights; activate it."""
        objective_id = named(name)
        self.add(
            objective_id,
            goals.ObjectiveDrafted,
            objective_id=objective_id,
            cycle_id=cycle_id,
            title=name,
            owner={"kind": owner[0], "id": owner[1]},
            ambition=ambition,
            **fields,
        )
        for key_result, weight in (key_results or {}).items():
            self.key_result(name, key_result, weight=weight)
        if active:
            self.activate(name)
        return objective_id

    def key_result(self, objective: str, name: str, **fields: Any) -> UUID:
        """Add one: from 0 to 100, unless its type says that it goes another way."""
        way = {"type": "increase", "baseline": 0.0, "target": 100.0, "unit": "%"}
        definition = fields if "type" in fields else {**way, **fields}
        self.of_key_result(objective, name, goals.KeyResultAdded, title=name, **definition)
        return named(name)

    def activate(self, name: str) -> None:
        self.of(name, goals.ObjectiveActivated)

    def of(self, name: str, fact_type: type[PublishedEvent], **fields: Any) -> CloudEvent:
        """Any other fact of an objective."""
        return self.add(named(name), fact_type, objective_id=named(name), **fields)

    def of_key_result(
        self, objective: str, name: str, fact_type: type[PublishedEvent], **fields: Any
    ) -> CloudEvent:
        """Any other fact of a key result."""
        return self.of(objective, fact_type, key_result_id=named(name), **fields)

    def align(
        self,
        child: str,
        parent: str,
        key_result: str | None = None,
        *,
        kind: str = "contributes",
        weight: float = 1.0,
    ) -> None:
        self.add(
            named(child),
            goals.ObjectiveAligned,
            objective_id=named(child),
            parent_objective_id=named(parent),
            parent_key_result_id=named(key_result) if key_result else None,
            kind=kind,
            weight=weight,
        )

    def unalign(self, child: str, parent: str, key_result: str | None = None) -> None:
        self.add(
            named(child),
            goals.ObjectiveUnaligned,
            objective_id=named(child),
            parent_objective_id=named(parent),
            parent_key_result_id=named(key_result) if key_result else None,
        )

    def check_in(
        self,
        objective: str,
        key_result: str,
        value: float,
        *,
        effective_at: datetime | None = None,
        **fields: Any,
    ) -> UUID:
        """Check in; the check-in's id."""
        check_in_id = UUID(int=len(self.events))
        self.of_key_result(
            objective,
            key_result,
            goals.KeyResultCheckedIn,
            effective_at=effective_at,
            check_in_id=check_in_id,
            value=value,
            **fields,
        )
        return check_in_id

    def correct(
        self, objective: str, key_result: str, check_in_id: UUID, value: float, **fields: Any
    ) -> None:
        """Put a check-in right; `was` says what it said until now."""
        self.of_key_result(
            objective,
            key_result,
            goals.CheckInCorrected,
            check_in_id=check_in_id,
            value=value,
            **fields,
        )

    def link(self, objective: str, key_result: str, kpi: str = "sales.revenue") -> None:
        self.add(
            named(objective),
            goals.KeyResultLinked,
            objective_id=named(objective),
            key_result_id=named(key_result),
            kpi=kpi,
            reading="latest",
        )

    def unlink(self, objective: str, key_result: str, kpi: str = "sales.revenue") -> None:
        self.add(
            named(objective),
            goals.KeyResultUnlinked,
            objective_id=named(objective),
            key_result_id=named(key_result),
            kpi=kpi,
        )

    def measure(
        self,
        objective: str,
        key_result: str,
        value: float,
        kpi: str = "sales.revenue",
        *,
        day: int = 0,
    ) -> None:
        """Measure the day that began this many days after the log's first."""
        period_start = START + timedelta(days=day)
        self.of_key_result(
            objective,
            key_result,
            goals.KeyResultMeasured,
            kpi=kpi,
            value=value,
            period_start=period_start,
            period_end=period_start + timedelta(days=1),
            metrics_position=len(self.events),
        )

    def close(
        self,
        name: str,
        scores: dict[str, float],
        *,
        verdict: str = "partial",
        fact_type: type[PublishedEvent] = goals.ObjectiveClosed,
    ) -> None:
        self.of(
            name,
            fact_type,
            score=sum(scores.values()) / len(scores),
            verdict=verdict,
            key_results=[
                {"key_result_id": named(key_result), "score": score, "computed": score / 2}
                for key_result, score in scores.items()
            ],
        )

    def add(
        self,
        aggregate_id: UUID,
        fact_type: type[PublishedEvent],
        *,
        effective_at: datetime | None = None,
        **fields: Any,
    ) -> CloudEvent:
        """Record one published event."""
        self.now += SECOND
        context = EventContext(
            actor=Actor(id="ada", kind="human"),
            effective_at=effective_at or self.now,
            recorded_at=self.now,
            command_id=UUID(int=0),
            correlation_id="test",
        )
        fact = fact_type.model_validate({"context": context, **fields})
        self.facts.append(fact)
        return self.add_raw(aggregate_id, fact_type.TYPE, fact.model_dump_json().encode())

    def add_raw(self, aggregate_id: UUID, type_: str, data: bytes) -> CloudEvent:
        """Record an event with any type and body."""
        version = self._versions[aggregate_id] = self._versions.get(aggregate_id, 0) + 1
        previous = self.events[-1].position if self.events else 0
        event = CloudEvent(
            id=event_id(aggregate_id, version),
            type=type_,
            source="/cairn/goals",
            subject=str(aggregate_id),
            time=self.now,
            position=previous + 1 + (previous % 3),
            previous_position=previous,
            aggregate_version=version,
            data=data,
        )
        self.events.append(event)
        return event
