"""Good practice: what is worth a warning, and never a refusal."""

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
    return found
