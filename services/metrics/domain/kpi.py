"""KPIs: defined once, redefined with a reason, retired, never deleted."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from contracts.subjects import KPI_KEY_PATTERN
from services.chassis.eventstore.context import Event, LoggedEvent
from services.metrics.domain.errors import (
    DefinitionUnchangedError,
    KpiKeyError,
    KpiRetiredError,
    ReasonRequiredError,
)
from services.metrics.domain.events import KpiDefined, KpiRedefined, KpiRetired, Terms
from services.metrics.domain.periods import require_time_zone

FIRST_DEFINITION: Final = 1

# An id follows from the key alone, so that two who define the same key meet in one aggregate.
_KPI_IDS: Final = UUID("4a1f7f0e-2c0b-5a53-9a0e-0f6d5c1b7e21")
_KEY: Final = re.compile(KPI_KEY_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """A KPI and its current terms, which are those of its definition number `definition`.

    `position` is the place of its last event in the log, None until that is stored.
    """

    key: str
    definition: int
    terms: Terms
    defined_at: datetime
    changed_at: datetime
    retired_at: datetime | None = None
    position: int | None = None


def kpi_id(key: str) -> UUID:
    """The id of the KPI of this key."""
    return uuid5(_KPI_IDS, key)


def define(key: str, terms: Terms) -> KpiDefined:
    """A new KPI. Raises KpiKeyError, TimeZoneUnknownError."""
    if _KEY.fullmatch(key) is None:
        raise KpiKeyError
    require_time_zone(terms.time_zone)
    return KpiDefined(key=key, terms=terms)


def redefine(kpi: Kpi, terms: Terms, *, reason: str) -> KpiRedefined:
    """Give the KPI its next definition.

    Raises KpiRetiredError, ReasonRequiredError, DefinitionUnchangedError, TimeZoneUnknownError.
    """
    _require_live(kpi)
    if not reason.strip():
        raise ReasonRequiredError
    if terms == kpi.terms:
        raise DefinitionUnchangedError(kpi.definition)
    require_time_zone(terms.time_zone)
    return KpiRedefined(key=kpi.key, definition=kpi.definition + 1, terms=terms)


def retire(kpi: Kpi) -> KpiRetired:
    """Take no more readings. Raises KpiRetiredError."""
    _require_live(kpi)
    return KpiRetired(key=kpi.key)


def evolve(kpi: Kpi | None, logged: LoggedEvent) -> Kpi:
    """The KPI after one more event."""
    assert logged.recorded_at is not None
    kpi = _changed(kpi, logged.event, logged.recorded_at)
    return replace(kpi, changed_at=logged.recorded_at, position=logged.position)


def _changed(kpi: Kpi | None, event: Event, at: datetime) -> Kpi:
    match event:
        case KpiDefined(key=key, terms=terms):
            return Kpi(
                key=key, definition=FIRST_DEFINITION, terms=terms, defined_at=at, changed_at=at
            )
        case KpiRedefined(definition=definition, terms=terms) if kpi is not None:
            return replace(kpi, definition=definition, terms=terms)
        case KpiRetired() if kpi is not None:
            return replace(kpi, retired_at=at)
    raise AssertionError(f"{event.TOPIC} cannot follow here")


def _require_live(kpi: Kpi) -> None:
    if kpi.retired_at is not None:
        raise KpiRetiredError(kpi.key)
