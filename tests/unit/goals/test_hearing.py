"""What is made of the metrics' events before anything is written."""

from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from contracts.cloudevents import CloudEvent
from contracts.events import Actor, EventContext, PublishedEvent
from contracts.goals import Owner
from contracts.metrics import (
    KpiBreached,
    KpiDefined,
    KpiMeasured,
    KpiRecovered,
    KpiRedefined,
    KpiRetired,
    KpiWentStale,
)
from services.goals.domain import events
from services.goals.domain.kpi_link import Kpi, KpiValue
from services.goals.domain.review_events import Breach, Recovery
from services.goals.hearing import Fact, breaches, hear, heeded, pieces, recoveries
from services.goals.persistence.kpis import Cause, HeardKpi
from tests.unit.goals.given import NOW

DAY = timedelta(days=1)
CONTEXT = EventContext(
    actor=Actor(id="metrics", kind="automation"),
    effective_at=NOW,
    recorded_at=NOW,
    command_id=UUID(int=1),
    correlation_id="story",
)
Turn = TypeVar("Turn", KpiBreached, KpiRecovered)
SALES = events.Owner(kind="team", id="sales")
DEFINITION = {
    "context": CONTEXT,
    "key": "sales.leads",
    "name": "Leads",
    "direction": "higher",
    "owner": Owner(kind="team", id="sales"),
    "cadence": "day",
    "aggregation": "sum",
}


def measured(value: float, *, start: datetime = NOW - DAY, key: str = "sales.leads") -> KpiMeasured:
    return KpiMeasured(
        context=CONTEXT,
        key=key,
        definition=1,
        period_start=start,
        period_end=start + DAY,
        value=value,
        readings=3,
        latest_value=value / 2,
        latest_at=start,
    )


def cloud_event(said: PublishedEvent, position: int, data: bytes | None = None) -> CloudEvent:
    return CloudEvent(
        id=UUID(int=position),
        type=said.TYPE,
        source="/cairn/metrics",
        subject="kpi",
        time=NOW,
        position=position,
        previous_position=position - 1,
        aggregate_version=1,
        data=said.model_dump_json().encode() if data is None else data,
    )


def turned(event_class: type[Turn], key: str = "sales.leads") -> Turn:
    return event_class.model_validate(
        {
            "context": CONTEXT,
            "key": key,
            "definition": 1,
            "period_start": NOW - DAY,
            "period_end": NOW,
            "value": 4.1,
            "status": "red",
            "threshold": 5,
            "since": NOW - 2 * DAY,
        }
    )


def facts(*said: PublishedEvent) -> list[Fact]:
    return heeded([cloud_event(each, position) for position, each in enumerate(said, 1)])


def test_definitions_measurements_and_retirements_are_heeded() -> None:
    said = [
        KpiDefined.model_validate(DEFINITION),
        measured(5),
        KpiRetired(context=CONTEXT, key="sales.leads"),
    ]
    assert [each.said for each in facts(*said)] == said


def test_events_that_say_nothing_here_are_passed_over() -> None:
    stale = turned(KpiRecovered).model_dump(exclude={"status", "threshold"})
    assert facts(KpiWentStale.model_validate(stale)) == []


def test_an_event_that_breaks_its_contract_does_not_stop_the_others() -> None:
    broken = cloud_event(measured(1), 1, b'{"key": "sales.leads"}')
    found = heeded([broken, cloud_event(measured(2), 2)])
    assert [each.position for each in found] == [2]


def test_a_defined_kpi_is_known_before_it_has_a_value() -> None:
    assert hear({}, facts(KpiDefined.model_validate(DEFINITION))) == {
        "sales.leads": HeardKpi(kpi=Kpi(key="sales.leads", owner=SALES))
    }


def test_a_kpi_is_its_last_owner_s() -> None:
    redefined = KpiRedefined.model_validate(
        DEFINITION | {"definition": 2, "owner": Owner(kind="person", id="bob")}
    )
    heard = hear({}, facts(KpiDefined.model_validate(DEFINITION), measured(5), redefined))
    assert heard["sales.leads"].kpi.owner == events.Owner(kind="person", id="bob")
    assert heard["sales.leads"].kpi.value is not None


def test_of_many_values_the_last_one_of_the_newest_period_stays() -> None:
    late = measured(1, start=NOW - 2 * DAY)
    heard = hear({}, facts(measured(5), measured(6), late))["sales.leads"]
    assert heard == HeardKpi(
        kpi=Kpi(
            key="sales.leads",
            value=KpiValue(
                definition=1,
                period=6,
                latest=3,
                period_start=NOW - DAY,
                period_end=NOW,
                metrics_position=2,
            ),
        ),
        cause=Cause(event_id=UUID(int=2), correlation_id="story"),
    )


def test_what_was_heard_before_is_added_to() -> None:
    before = hear({}, facts(measured(5), measured(7, key="sales.visits")))
    after = hear(before, facts(KpiRetired(context=CONTEXT, key="sales.leads")))
    assert after["sales.leads"].kpi.retired
    assert after["sales.leads"].kpi.value == before["sales.leads"].kpi.value
    assert after["sales.visits"] == before["sales.visits"]


def test_a_breach_and_a_recovery_say_what_happened_and_by_which_event() -> None:
    said = facts(turned(KpiBreached), turned(KpiRecovered))
    breach, cause = breaches(said)["sales.leads"]
    assert cause == Cause(event_id=UUID(int=1), correlation_id="story")
    assert breach == Breach(
        event_id=UUID(int=1),
        status="red",
        value=4.1,
        threshold=5,
        period_start=NOW - DAY,
        period_end=NOW,
        since=NOW - 2 * DAY,
        metrics_position=1,
    )
    recovery, cause = recoveries(said)["sales.leads"]
    assert cause.event_id == UUID(int=2)
    assert recovery == Recovery(
        event_id=UUID(int=2),
        value=4.1,
        period_start=NOW - DAY,
        period_end=NOW,
        since=NOW - 2 * DAY,
        metrics_position=2,
    )


def test_a_batch_is_one_piece_as_long_as_no_kpi_turns_twice() -> None:
    batch = [
        cloud_event(each, position)
        for position, each in enumerate(
            [turned(KpiBreached), measured(5), turned(KpiRecovered, "sales.visits")], 11
        )
    ]
    (piece,) = pieces(batch)
    assert (piece.follows, piece.reaches) == (10, 13)
    assert [each.position for each in piece.facts] == [11, 12, 13]


def test_a_batch_is_cut_where_a_kpi_turns_again() -> None:
    said = [
        turned(KpiBreached),
        measured(5),
        turned(KpiBreached, "sales.visits"),
        turned(KpiRecovered),
        turned(KpiRecovered, "sales.visits"),
        turned(KpiBreached),
        KpiWentStale.model_validate(
            turned(KpiRecovered).model_dump(exclude={"status", "threshold"})
        ),
    ]
    found = pieces([cloud_event(each, position) for position, each in enumerate(said, 11)])
    assert [(each.follows, each.reaches) for each in found] == [(10, 13), (13, 15), (15, 17)]
    assert [len(each.facts) for each in found] == [3, 2, 1]


def test_a_batch_of_which_nothing_matters_is_a_piece_too() -> None:
    stale = turned(KpiRecovered).model_dump(exclude={"status", "threshold"})
    (piece,) = pieces([cloud_event(KpiWentStale.model_validate(stale), 11)])
    assert (piece.follows, piece.reaches, piece.facts) == (10, 11, [])
