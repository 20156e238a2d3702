"""Good practice: what is worth a warning, and never a refusal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.goals.domain.objective import Objective

FEWEST_KEY_RESULTS: Final = 2
MOST_KEY_RESULTS: Final = 5


@dataclass(frozen=True, slots=True)
class Advice:
    """A warning: a stable code and a sentence."""

    code: str
    detail: str


_FEW = Advice(
    "few_key_results",
    f"Fewer than {FEWEST_KEY_RESULTS} key results rarely show that an objective is achieved.",
)
_MANY = Advice(
    "many_key_results", f"More than {MOST_KEY_RESULTS} key results spread the attention too thin."
)
_NONE_COUNTS = Advice(
    "no_key_result_counts", "Every key result has the weight 0, so that none counts."
)

_NUMERIC_TITLE = Advice(
    "numeric_title",
    "The objective's title has a number in it: say what is to be achieved in words, and let the "
    "key results count.",
)
_NUMBER: Final = re.compile(
    r"\d+(?:[.,]\d+)?\s*(?:%|percent\b)|\bby \d|\bto \d|\b\d+x\b", re.IGNORECASE
)
_ACTIVITY: Final = re.compile(
    r"(?:launch|implement|build|create|write|develop|organi[sz]e|hold|start|do|make|set up|"
    r"migrate|deploy|design|plan|prepare|run|conduct|hire|introduce|roll out)\b",
    re.IGNORECASE,
)


def advice(objective: Objective) -> list[Advice]:
    """What the objective's authors may want to think over."""
    weights = [each.definition.weight for each in objective.key_results]
    found = []
    if len(weights) < FEWEST_KEY_RESULTS:
        found.append(_FEW)
    if len(weights) > MOST_KEY_RESULTS:
        found.append(_MANY)
    if weights and not any(weights):
        found.append(_NONE_COUNTS)
    if _NUMBER.search(objective.title):
        found.append(_NUMERIC_TITLE)
    activities = [
        each.definition.title
        for each in objective.key_results
        if each.definition.type in ("binary", "milestones")
        and _ACTIVITY.match(each.definition.title)
    ]
    if activities:
        found.append(_activities(activities))
    return found


def _activities(titles: Sequence[str]) -> Advice:
    named = ", ".join(f"“{each}”" for each in titles)
    return Advice(
        "activity_key_results",
        f"These key results read like work to do, not like what it brings about: {named}.",
    )
