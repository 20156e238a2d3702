"""What a key result may be asked to reach, and what is refused as nothing that can be counted.

The numbers are those of the sample company, worked out by hand.
"""

import math
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.goals import KeyResultType
from services.goals.domain import key_result as key_results
from services.goals.domain.definition import (
    MAX_MILESTONES,
    MAX_PHASED_TARGETS,
    MAX_WEIGHT,
    Definition,
    require_definition,
)
from services.goals.domain.errors import KeyResultTargetError, NumberRefusedError
from services.goals.domain.events import Milestone, PhasedTarget
from services.goals.domain.key_result import KeyResult
from tests.unit.goals.given import LANGUAGES, LATENCY, LEADS, NOW, RESPONSIVE, UPTIME, logged

DAY = timedelta(days=1)
EVERY_TYPE = (LEADS, LATENCY, UPTIME, LANGUAGES, RESPONSIVE)
PHASED = replace(
    LEADS,
    phased_targets=(
        PhasedTarget(on=date(2026, 1, 31), value=550.0),
        PhasedTarget(on=date(2026, 2, 28), value=620.0),
    ),
)


def phases(count: int) -> tuple[PhasedTarget, ...]:
    return tuple(
        PhasedTarget(on=date(2026, 1, 1) + number * DAY, value=float(number))
        for number in range(count)
    )


def checklist(*weights: float) -> tuple[Milestone, ...]:
    return tuple(
        Milestone(id=UUID(int=number), title=f"Step {number}", weight=weight)
        for number, weight in enumerate(weights, 1)
    )


@pytest.mark.parametrize(
    "definition",
    [
        *EVERY_TYPE,
        replace(LEADS, stretch=800.0),
        replace(LEADS, stretch=700.0),
        replace(LATENCY, stretch=900.0),
        replace(LATENCY, stretch=1000.0),
        replace(LEADS, weight=0.0),
        replace(LEADS, weight=float(MAX_WEIGHT)),
        replace(LEADS, due_on=date(2029, 12, 31)),  # it may outlive its cycle
        replace(LEADS, baseline=-0.0, target=5e-324),
        replace(LEADS, baseline=-1.7e308, target=1.7e308),
        PHASED,
        replace(PHASED, due_on=date(2026, 3, 1)),
        replace(LEADS, phased_targets=phases(MAX_PHASED_TARGETS)),
        replace(UPTIME, upper=100.0),
        replace(UPTIME, lower=None, upper=100.0),
        replace(UPTIME, lower=100.0, upper=100.0),
        replace(LANGUAGES, milestones=checklist(*[1.0] * MAX_MILESTONES)),
        replace(LANGUAGES, milestones=checklist(0.0, 1.0)),
    ],
)
def test_a_key_result_is_defined_as_asked(definition: Definition) -> None:
    key_result_id = uuid4()
    event = key_results.define(definition, key_result_id=key_result_id)
    one = logged(event, originator_id=key_result_id, version=2)
    assert key_results.added(event, one) == KeyResult(
        id=key_result_id, added_at=NOW, definition=definition
    )


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (replace(LEADS, target=500.0), "are equal"),
        (replace(LEADS, baseline=0.0, target=-0.0), "are equal"),
        (replace(LEADS, target=499.0), "above its baseline"),
        (replace(LATENCY, target=1500.0), "above its baseline, that of a decrease below"),
        (replace(LEADS, stretch=699.0), "beyond the target"),
        (replace(LATENCY, stretch=1001.0), "beyond the target"),
        (replace(LEADS, baseline=None), "name both"),
        (replace(LATENCY, target=None), "name both"),
        (replace(LEADS, phased_targets=phases(MAX_PHASED_TARGETS + 1)), "60 phased targets"),
        (replace(LEADS, phased_targets=PHASED.phased_targets[::-1]), "order of their days"),
        (replace(LEADS, phased_targets=PHASED.phased_targets[:1] * 2), "one a day"),
        (replace(PHASED, due_on=date(2026, 2, 28)), "before the due date"),
        (replace(UPTIME, lower=None), "lower, upper, or both"),
        (replace(UPTIME, lower=99.0, upper=98.0), "below its upper end"),
        (replace(LANGUAGES, milestones=()), "1 to 50 milestones"),
        (
            replace(LANGUAGES, milestones=checklist(*[1.0] * (MAX_MILESTONES + 1))),
            "1 to 50 milestones",
        ),
        (replace(LANGUAGES, milestones=checklist(1.0) * 2), "in it once"),
        (replace(LANGUAGES, milestones=checklist(0.0, 0.0)), "a weight above 0"),
    ],
)
def test_what_is_no_way_no_band_and_no_checklist_is_refused(
    definition: Definition, text: str
) -> None:
    with pytest.raises(KeyResultTargetError, match=text):
        require_definition(definition)


FIELDS: dict[str, object] = {
    "baseline": 0.0,
    "target": 1.0,
    "stretch": 2.0,
    "lower": 0.0,
    "upper": 1.0,
    "milestones": checklist(1.0),
    "phased_targets": phases(1),
}
FIELDS_OF: dict[KeyResultType, set[str]] = {
    "increase": {"baseline", "target", "stretch", "phased_targets"},
    "decrease": {"baseline", "target", "stretch", "phased_targets"},
    "maintain": {"lower", "upper"},
    "milestones": {"milestones"},
    "binary": set(),
}


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (definition, field)
        for definition in EVERY_TYPE
        for field in FIELDS
        if field not in FIELDS_OF[definition.type]
    ],
    ids=lambda each: each if isinstance(each, str) else each.type,
)
def test_a_field_that_means_nothing_for_the_type_is_refused_even_if_it_is_zero(
    definition: Definition, field: str
) -> None:
    with pytest.raises(KeyResultTargetError, match=f"{definition.type} has no {field}") as refusal:
        require_definition(replace(definition, **{field: FIELDS[field]}))  # type: ignore[arg-type]
    assert refusal.value.extensions == {"field": field}


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (replace(LEADS, baseline=math.nan), "baseline"),
        (replace(LEADS, target=math.inf), "target"),
        (replace(LEADS, stretch=-math.inf), "stretch"),
        (replace(UPTIME, lower=math.nan), "lower"),
        (replace(UPTIME, upper=math.inf), "upper"),
        (replace(LEADS, weight=-1.0), "weight"),
        (replace(LEADS, weight=math.nan), "weight"),
        (replace(LEADS, weight=math.inf), "weight"),
        (replace(LEADS, weight=MAX_WEIGHT + 1.0), "weight"),
        (
            replace(LEADS, phased_targets=(PhasedTarget(on=date(2026, 2, 1), value=math.nan),)),
            "phased_targets",
        ),
        (replace(LANGUAGES, milestones=checklist(1.0, math.nan)), "weight"),
        (replace(LANGUAGES, milestones=checklist(1.0, -1.0)), "weight"),
    ],
)
def test_numbers_that_cannot_be_counted_with_are_refused(
    definition: Definition, field: str
) -> None:
    with pytest.raises(NumberRefusedError, match=field) as refusal:
        require_definition(definition)
    assert refusal.value.extensions == {"field": field}
