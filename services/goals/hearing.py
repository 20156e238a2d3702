"""What of the metrics' events matters to goals, and what is known of the KPIs after them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog
from pydantic import ValidationError

from contracts.cloudevents import CloudEvent
from contracts.events import PublishedEvent
from contracts.metrics import (
    KpiBreached,
    KpiDefined,
    KpiMeasured,
    KpiRecovered,
    KpiRedefined,
    KpiRetired,
)
from services.goals.domain.events import Owner
from services.goals.domain.kpi_link import Kpi, KpiValue
from services.goals.domain.review_events import Breach, Recovery
from services.goals.persistence.kpis import Cause, HeardKpi

Said = KpiDefined | KpiRedefined | KpiRetired | KpiMeasured | KpiBreached | KpiRecovered

_HEEDED: Final[Mapping[str, type[Said]]] = {
    each.TYPE: each
    for each in (KpiDefined, KpiRedefined, KpiRetired, KpiMeasured, KpiBreached, KpiRecovered)
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fact:
    """What an event says that matters here, the event, and where in the metrics log it stands."""

    said: Said
    cause: Cause
    position: int
    previous_position: int


@dataclass(frozen=True, slots=True)
class Piece:
    """What matters of a part of a batch: all that comes after `follows`, up to `reaches`."""

    follows: int
    reaches: int
    facts: Sequence[Fact]


def heeded(events: Sequence[CloudEvent]) -> list[Fact]:
    """What of a batch matters here. An event that breaks its contract is logged and passed over.

    It must not stop all the others; the KPI's next value makes up for it.
    """
    facts = []
    for event in events:
        event_class = _HEEDED.get(event.type)
        if event_class is None:
            continue
        try:
            said = event_class.model_validate_json(event.data)
        except ValidationError as error:
            log.error(  # noqa: TRY400  the stack says nothing about the event
                "metrics_event_malformed", position=event.position, errors=error.error_count()
            )
            continue
        facts.append(Fact(said, _cause(event, said), event.position, event.previous_position))
    return facts


def pieces(events: Sequence[CloudEvent]) -> list[Piece]:
    """The batch, cut where a KPI breaches or recovers that has done so since the last cut.

    What follows from the one is there for the other to find only in another command. A batch is
    rarely cut: a KPI's status does not change twice in the time that it takes to fill one.
    """
    cut: list[list[Fact]] = [[]]
    turned: set[str] = set()
    for fact in heeded(events):
        if isinstance(fact.said, KpiBreached | KpiRecovered):
            if fact.said.key in turned:
                cut.append([])
                turned.clear()
            turned.add(fact.said.key)
        cut[-1].append(fact)
    borders = [
        events[0].previous_position,
        *(each[0].previous_position for each in cut[1:]),
        events[-1].position,
    ]
    return [
        Piece(follows, reaches, facts)
        for follows, reaches, facts in zip(borders, borders[1:], cut, strict=False)
    ]


def hear(known: Mapping[str, HeardKpi], facts: Sequence[Fact]) -> dict[str, HeardKpi]:
    """What is known of the KPIs that the facts name, after these facts."""
    heard = dict(known)
    for fact in facts:
        key = fact.said.key
        before = heard.get(key) or HeardKpi(kpi=Kpi(key=key))
        heard[key] = _after(before, fact)
    return heard


def breaches(facts: Sequence[Fact]) -> dict[str, tuple[Breach, Cause]]:
    """The KPIs that breached, how, and the events that said so."""
    return {
        fact.said.key: (_breach(fact.said, fact), fact.cause)
        for fact in facts
        if isinstance(fact.said, KpiBreached)
    }


def recoveries(facts: Sequence[Fact]) -> dict[str, tuple[Recovery, Cause]]:
    """The KPIs that recovered, how, and the events that said so."""
    return {
        fact.said.key: (_recovery(fact.said, fact), fact.cause)
        for fact in facts
        if isinstance(fact.said, KpiRecovered)
    }


def _cause(event: CloudEvent, said: PublishedEvent) -> Cause:
    return Cause(event_id=event.id, correlation_id=said.context.correlation_id)


def _after(before: HeardKpi, fact: Fact) -> HeardKpi:
    match fact.said:
        case KpiDefined(owner=owner) | KpiRedefined(owner=owner):
            kpi = before.kpi.owned_by(Owner(kind=owner.kind, id=owner.id))
            return replace(before, kpi=kpi)
        case KpiRetired():
            return replace(before, kpi=before.kpi.retire())
        case KpiMeasured() as measured:
            kpi = before.kpi.says(_value(measured, fact.position))
            return before if kpi is before.kpi else replace(before, kpi=kpi, cause=fact.cause)
        case _:
            return before


def _value(measured: KpiMeasured, position: int) -> KpiValue:
    return KpiValue(
        definition=measured.definition,
        period=measured.value,
        latest=measured.latest_value,
        period_start=measured.period_start,
        period_end=measured.period_end,
        metrics_position=position,
    )


def _breach(said: KpiBreached, fact: Fact) -> Breach:
    return Breach(
        event_id=fact.cause.event_id,
        status=said.status,
        value=said.value,
        threshold=said.threshold,
        period_start=said.period_start,
        period_end=said.period_end,
        since=said.since,
        metrics_position=fact.position,
    )


def _recovery(said: KpiRecovered, fact: Fact) -> Recovery:
    return Recovery(
        event_id=fact.cause.event_id,
        value=said.value,
        period_start=said.period_start,
        period_end=said.period_end,
        since=said.since,
        metrics_position=fact.position,
    )
