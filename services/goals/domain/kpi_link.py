"""Links: a key result takes its value from a KPI, and keeps each measurement in its history."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from contracts.goals import KpiReading
from services.goals.domain.definition import require_number
from services.goals.domain.errors import (
    AlreadyLinkedError,
    KpiRetiredError,
    KpiUnknownError,
    NotLinkedError,
)
from services.goals.domain.events import (
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultUnlinked,
    Owner,
)
from services.goals.domain.key_result import KeyResult, Link
from services.goals.domain.objective import Objective, require_step


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiValue:
    """What a KPI last said of its newest period [`period_start`, `period_end`).

    `period` is the period's aggregate, `latest` its newest reading; `metrics_position` is where
    in the metrics log this stands.
    """

    definition: int
    period: float
    latest: float
    period_start: datetime
    period_end: datetime
    metrics_position: int

    def of(self, reading: KpiReading) -> float:
        """The number that a link of this kind takes."""
        return self.period if reading == "period" else self.latest

    def replaces(self, known: "KpiValue") -> bool:
        """Whether it comes later in the metrics log and is not of an earlier period.

        A new definition may cut its periods at other times: any that reaches into the known one
        replaces it, and the old definition says nothing more.
        """
        if self.metrics_position <= known.metrics_position:
            return False
        if self.definition > known.definition:
            return self.period_end > known.period_start
        return self.definition == known.definition and self.period_start >= known.period_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """A KPI as far as this service has followed the metrics.

    `value` is None before the first, `owner` where it was defined before owners were heeded.
    """

    key: str
    retired: bool = False
    value: KpiValue | None = None
    owner: Owner | None = None

    def says(self, value: KpiValue) -> "Kpi":
        """The KPI after one more value; a late one of an earlier period changes nothing."""
        if self.value is not None and not value.replaces(self.value):
            return self
        return replace(self, value=value)

    def owned_by(self, owner: Owner) -> "Kpi":
        """The KPI once it is this owner's."""
        return replace(self, owner=owner)

    def retire(self) -> "Kpi":
        """The KPI once it will not be measured again."""
        return replace(self, retired=True)


def link(
    objective: Objective, key_result_id: UUID, wanted: Link, *, kpi: Kpi | None
) -> list[KeyResultUnlinked | KeyResultLinked]:
    """Have the key result follow the KPI that `wanted` names; `kpi` is None when there is none.

    Where it follows another one, or in another way, that ends. Raises ObjectiveStateError,
    KeyResultNotFoundError, NotMeasurableByKpiError, AlreadyLinkedError, KpiUnknownError,
    KpiRetiredError.
    """
    require_step(objective, "link")
    found = objective.key_result(key_result_id)
    require_number(found.definition.type)
    if found.link == wanted:
        raise AlreadyLinkedError(wanted.kpi)
    if kpi is None:
        raise KpiUnknownError(wanted.kpi)
    if kpi.retired:
        raise KpiRetiredError(wanted.kpi)
    linked = KeyResultLinked(key_result_id=found.id, kpi=wanted.kpi, reading=wanted.reading)
    return [linked] if found.link is None else [_unlinked(found, found.link), linked]


def unlink(objective: Objective, key_result_id: UUID) -> KeyResultUnlinked:
    """Have the key result follow no KPI; its current value stays.

    Raises ObjectiveStateError, KeyResultNotFoundError, NotLinkedError.
    """
    require_step(objective, "unlink")
    found = objective.key_result(key_result_id)
    if found.link is None:
        raise NotLinkedError
    return _unlinked(found, found.link)


def stop_following(objective: Objective, key_result_id: UUID, kpi: str) -> KeyResultUnlinked | None:
    """End the link to a KPI that is retired, in whatever state; None where there is none.

    It never raises, as `measure` does not.
    """
    found = next((each for each in objective.key_results if each.id == key_result_id), None)
    if found is None or found.link is None or found.link.kpi != kpi:
        return None
    return _unlinked(found, found.link)


def measure(objective: Objective, *, key_result_id: UUID, kpi: Kpi) -> KeyResultMeasured | None:
    """What the KPI's value means for a key result: a measurement, or None when it says nothing new.

    It never raises: whoever follows the metrics must not be stopped by one key result.
    """
    found = next((each for each in objective.key_results if each.id == key_result_id), None)
    if objective.state != "active" or found is None or kpi.value is None:
        return None
    if found.link is None or found.link.kpi != kpi.key:
        return None
    number = kpi.value.of(found.link.reading)
    if not math.isfinite(number) or not _is_news(found, kpi.value, number):
        return None
    return _measured(found.id, found.link, kpi.value, number)


def _is_news(found: KeyResult, value: KpiValue, number: float) -> bool:
    """Whether it is later than what was measured last, and different from what is shown.

    A check-in overrides only until the next measurement, so after one any later value is news.
    """
    last, current = found.measurement, found.current
    if last is None or current is None:
        return True
    if value.metrics_position <= last.metrics_position:
        return False
    if found.definition.type == "maintain" and value.period_start != last.period_start:
        return True  # each period counts
    return current.source != "kpi" or current.value != number


def _unlinked(found: KeyResult, link: Link) -> KeyResultUnlinked:
    return KeyResultUnlinked(key_result_id=found.id, kpi=link.kpi)


def _measured(key_result_id: UUID, link: Link, value: KpiValue, number: float) -> KeyResultMeasured:
    return KeyResultMeasured(
        key_result_id=key_result_id,
        kpi=link.kpi,
        value=number,
        period_start=value.period_start,
        period_end=value.period_end,
        metrics_position=value.metrics_position,
        definition=value.definition,
    )
