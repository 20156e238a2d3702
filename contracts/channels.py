"""Who sends and receives what on the event bus: channels (families of subjects) and operations."""

from dataclasses import dataclass
from typing import Final, Literal

from contracts.events import Contract
from contracts.json_schema import EVENTS
from contracts.metrics import (
    KpiBreached,
    KpiDefined,
    KpiMeasured,
    KpiRecovered,
    KpiRedefined,
    KpiRetired,
)
from contracts.readings import Reading, RejectedReading
from contracts.subjects import (
    GOALS_STREAM,
    INTAKE_STREAM,
    KPI_KEY_PATTERN,
    METRICS_STREAM,
    REJECTED_STREAM,
    SOURCE_PATTERN,
    event_subject,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One `{name}` in a channel's address; `values` lists them all where they are few."""

    name: str
    description: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A family of subjects, and what travels on it."""

    name: str
    prefix: str
    parameters: tuple[Parameter, ...]
    stream: str
    description: str
    messages: tuple[type[Contract], ...]

    @property
    def address(self) -> str:
        """The subject with its parameters in braces: `goals.cycle.{cycleId}.{event}`."""
        return ".".join([self.prefix, *(f"{{{parameter.name}}}" for parameter in self.parameters)])


@dataclass(frozen=True, slots=True)
class Operation:
    """What `service` does on a channel; `messages` narrows it to some of the channel's."""

    name: str
    service: Literal["goals", "metrics", "projections"]
    action: Literal["send", "receive"]
    channel: str
    summary: str
    messages: tuple[type[Contract], ...] = ()


def _event_channel(
    name: str, prefix: str, aggregate: Parameter, stream: str, description: str
) -> Channel:
    subjects = {event: event_subject(event.TYPE, "*") for event in EVENTS}
    events = tuple(event for event in EVENTS if subjects[event].startswith(f"{prefix}."))
    tokens = tuple(subjects[event].rsplit(".", 1)[1] for event in events)
    return Channel(
        name=name,
        prefix=prefix,
        parameters=(aggregate, Parameter("event", "What happened.", tokens)),
        stream=stream,
        description=description,
        messages=events,
    )


_SOURCE: Final = Parameter("source", f"The producer's name, matching {SOURCE_PATTERN}.")

CHANNELS: Final = (
    _event_channel(
        "cycles",
        "goals.cycle",
        Parameter("cycleId", "The cycle's id, a UUID."),
        GOALS_STREAM,
        "What happened to the cycles.",
    ),
    _event_channel(
        "objectives",
        "goals.objective",
        Parameter("objectiveId", "The objective's id, a UUID."),
        GOALS_STREAM,
        "What happened to the objectives and to the key results in them.",
    ),
    _event_channel(
        "reviews",
        "goals.review",
        Parameter("reviewId", "The review's id, a UUID."),
        GOALS_STREAM,
        "What happened to the reviews of objectives, key results and KPIs.",
    ),
    _event_channel(
        "kpis",
        "metrics.kpi",
        Parameter(
            "kpi",
            f"The KPI's key, matching {KPI_KEY_PATTERN}. Each part of it is a subject token of "
            "its own, so that `metrics.kpi.sales.>` is everything about sales.",
        ),
        METRICS_STREAM,
        "What happened to the KPIs, and their values.",
    ),
    Channel(
        name="readings",
        prefix="intake.readings",
        parameters=(_SOURCE,),
        stream=INTAKE_STREAM,
        description="What producers measured.",
        messages=(Reading,),
    ),
    Channel(
        name="rejectedReadings",
        prefix="intake.rejected",
        parameters=(_SOURCE,),
        stream=REJECTED_STREAM,
        description="What could not be taken from a producer, and why.",
        messages=(RejectedReading,),
    ),
)

_PUBLISHES: Final = "publishes its log, in order and without gaps"
_BUILDS: Final = "builds its read models"

OPERATIONS: Final = (
    Operation("goalsSendsCycleEvents", "goals", "send", "cycles", _PUBLISHES),
    Operation("goalsSendsObjectiveEvents", "goals", "send", "objectives", _PUBLISHES),
    Operation("goalsSendsReviewEvents", "goals", "send", "reviews", _PUBLISHES),
    Operation(
        "goalsReceivesKpiEvents",
        "goals",
        "receive",
        "kpis",
        "learns which KPIs there are, moves the key results that are linked to one, and opens "
        "reviews where one breaches",
        (KpiDefined, KpiRedefined, KpiRetired, KpiMeasured, KpiBreached, KpiRecovered),
    ),
    Operation("metricsSendsKpiEvents", "metrics", "send", "kpis", _PUBLISHES),
    Operation(
        "metricsReceivesReadings",
        "metrics",
        "receive",
        "readings",
        "records readings, and acknowledges them once they are durable",
    ),
    Operation(
        "metricsSendsRejectedReadings",
        "metrics",
        "send",
        "rejectedReadings",
        "says which readings it could not take, and why",
    ),
    Operation("projectionsReceivesCycleEvents", "projections", "receive", "cycles", _BUILDS),
    Operation(
        "projectionsReceivesObjectiveEvents", "projections", "receive", "objectives", _BUILDS
    ),
)
