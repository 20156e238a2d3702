"""A metrics log that tests write by hand, and a service whose follower they hand it to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.cloudevents import CloudEvent
from contracts.events import Actor, EventContext, PublishedEvent
from contracts.goals import Owner
from contracts.metrics import (
    BreachStatus,
    KpiBreached,
    KpiDefined,
    KpiMeasured,
    KpiRecovered,
    KpiRedefined,
)
from services.goals.following import MetricsFollower
from tests.integration.goals.conftest import Json, Service, key_result_path

KPI = "quality.coverage"
DAY = timedelta(days=1)
TODAY = datetime(2026, 2, 1, tzinfo=UTC)
CONTEXT = EventContext(
    actor=Actor(id="metrics", kind="automation"),
    effective_at=TODAY,
    recorded_at=TODAY,
    command_id=UUID(int=1),
    correlation_id="0123456789abcdef0123456789abcdef",
)


def defined(key: str = KPI) -> KpiDefined:
    return KpiDefined(
        context=CONTEXT,
        key=key,
        name="Test coverage",
        direction="higher",
        owner=Owner(kind="team", id="quality"),
        cadence="day",
        aggregation="last",
    )


def redefined(*, definition: int = 2) -> KpiRedefined:
    return KpiRedefined.model_validate(
        defined().model_dump() | {"definition": definition, "unit": "‰"}
    )


def measured(
    value: float, *, key: str = KPI, day: int = 0, latest: float = 0, definition: int = 1
) -> KpiMeasured:
    return KpiMeasured(
        context=CONTEXT,
        key=key,
        definition=definition,
        period_start=TODAY + day * DAY,
        period_end=TODAY + (day + 1) * DAY,
        value=value,
        readings=1,
        latest_value=latest,
        latest_at=TODAY + day * DAY,
    )


def breached(*, key: str = KPI, day: int = 0, status: BreachStatus = "red") -> KpiBreached:
    return KpiBreached.model_validate(_turn(key, day, 61.5) | {"status": status})


def recovered(*, key: str = KPI, day: int = 0) -> KpiRecovered:
    return KpiRecovered.model_validate(_turn(key, day, 72) | {"status": "red"})


def _turn(key: str, day: int, value: float) -> dict[str, Any]:
    return {
        "context": CONTEXT,
        "key": key,
        "definition": 1,
        "period_start": TODAY + day * DAY,
        "period_end": TODAY + (day + 1) * DAY,
        "value": value,
        "threshold": 65,
        "since": TODAY + (day - 1) * DAY,
    }


class Metrics:
    """A metrics log that tests write by hand, and hand over in contiguous batches."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []

    def say(self, *said: PublishedEvent) -> list[CloudEvent]:
        """Add to the log; what was added, as one batch."""
        for each in said:
            position = len(self.events) * 10 + 10
            self.events.append(
                CloudEvent(
                    id=uuid5(UUID(int=0), str(position)),
                    type=each.TYPE,
                    source="/cairn/metrics",
                    subject="kpi",
                    time=TODAY,
                    position=position,
                    previous_position=position - 10,
                    aggregate_version=1,
                    data=each.model_dump_json().encode(),
                )
            )
        return self.events[-len(said) :]


class Following:
    """A running service, and its follower in the test's hands."""

    def __init__(self, service: Service, follower: MetricsFollower) -> None:
        self.service = service
        self.metrics = Metrics()
        self._follower = follower

    async def apply(self, events: list[CloudEvent]) -> None:
        await self._follower.apply(events)

    async def hear(self, *said: PublishedEvent) -> None:
        await self.apply(self.metrics.say(*said))

    async def linked(self, cycle: Json, kpi: str = KPI, reading: str = "period") -> Json:
        """An active objective whose key result follows the KPI."""
        objective = await self.service.active_objective(cycle)
        return await self.service.lead.done(
            f"{key_result_path(objective)}/link", {"kpi": kpi, "reading": reading}, version=3
        )

    async def shown(self, objective: Json) -> Json:
        found: Json = (await self.service.reader.get(f"/objectives/{objective['id']}")).json()
        return found

    async def value(self, objective: Json) -> tuple[float | None, str]:
        key_result = (await self.shown(objective))["key_results"][0]
        return key_result["value"], key_result["source"]

    async def history(self, objective: Json) -> list[Json]:
        page = await self.service.reader.get(f"/objectives/{objective['id']}/history", limit=200)
        items: list[Json] = page.json()["items"]
        return items


def followed_by(service: Service) -> Following:
    """The service with a follower that needs no bus, because the tests hand it the batches."""
    goals = service.goals
    return Following(service, MetricsFollower(None, goals.pool, goals.writer))  # type: ignore[arg-type]
