"""The event log of this service: its schema, its events and its aggregates."""

from typing import Final

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.mapper import EventMapper
from services.chassis.eventstore.unit import AggregateKind
from services.chassis.migrations import migrate
from services.goals.domain import cycle, evolving, review
from services.goals.domain.cycle import Cycle
from services.goals.domain.events import EVENTS, CyclePlanned, ObjectiveDrafted
from services.goals.domain.objective import Objective
from services.goals.domain.review import Review
from services.goals.domain.review_events import REVIEW_EVENTS, ReviewOpened
from services.goals.domain.upcasters import UPCASTERS
from services.goals.settings import GoalsSettings

CYCLE: Final = AggregateKind("cycle", CyclePlanned, cycle.evolve, state=Cycle)
OBJECTIVE: Final = AggregateKind(
    "objective", ObjectiveDrafted, evolving.evolve, state=Objective, snapshot_version=2
)
# Reviews are short, so no snapshots are taken of them.
REVIEW: Final[AggregateKind[Review]] = AggregateKind("review", ReviewOpened, review.evolve)
KINDS: Final = (CYCLE, OBJECTIVE)


def event_mapper() -> EventMapper:
    """Stored bytes to this service's events and back."""
    return EventMapper((*EVENTS, *REVIEW_EVENTS), UPCASTERS)


def migrate_schema(settings: GoalsSettings) -> None:
    """Bring the schema to what this version needs. Raises what `migrations.migrate` raises."""
    url = settings.database_url.get_secret_value()
    for track, package in (
        ("event_log", "services.chassis.eventstore.migrations"),
        ("service", "services.goals.migrations"),
    ):
        migrate(url, schema=settings.db_schema, package=package, track=track)


def open_log(settings: GoalsSettings, mapper: EventMapper) -> LogApplication:
    """Open the log for writing; close it when done."""
    return LogApplication(
        mapper,
        database_url=settings.database_url.get_secret_value(),
        schema=settings.db_schema,
        kinds=KINDS,
    )
