"""Scoring: how an objective ended, and what was learned from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.progress import KeyResultProgress, Part, verdict, weighted_mean
from services.goals.domain.errors import (
    NothingChangesError,
    NothingToScoreError,
    OverrideRefusedError,
    ReasonRequiredError,
)
from services.goals.domain.events import (
    KeyResultScore,
    ObjectiveClosed,
    ObjectiveRescored,
    RetrospectiveWritten,
)
from services.goals.domain.objective import Objective, Retrospective, require_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A score from 0 to 1 that somebody sets instead of the computed one, and why."""

    key_result_id: UUID
    score: float
    reason: str


def close(
    objective: Objective,
    *,
    progress: Mapping[UUID, KeyResultProgress],
    overrides: Sequence[Override] = (),
) -> ObjectiveClosed:
    """Score and close it. `progress` is where each of its key results stands.

    Raises ObjectiveStateError, KeyResultNotFoundError, OverrideRefusedError, NothingToScoreError.
    """
    require_step(objective, "close")
    computed = {each.id: progress[each.id].progress for each in objective.key_results}
    scores = _scores(objective, computed, overrides)
    score = _mean(objective, scores)
    return ObjectiveClosed(
        score=score, verdict=verdict(ambition=objective.ambition, score=score), key_results=scores
    )


def rescore(
    objective: Objective,
    *,
    progress: Mapping[UUID, KeyResultProgress],
    overrides: Sequence[Override],
    reason: str | None,
) -> ObjectiveRescored:
    """Score a closed objective anew, with what was corrected since.

    `progress` is where its key results stand by values of their own. What had none took its score
    from below and keeps it: how those below went on after the closing says nothing about that.
    Raises ObjectiveStateError, ReasonRequiredError, KeyResultNotFoundError, OverrideRefusedError,
    NothingToScoreError, NothingChangesError.
    """
    require_step(objective, "rescore")
    if not reason:
        raise ReasonRequiredError("Scoring a closed objective anew")
    assert objective.outcome is not None, "what is closed has a score"
    computed = {
        each.id: _computed_anew(progress[each.id], objective.outcome.of(each.id))
        for each in objective.key_results
    }
    scores = _scores(objective, computed, overrides)
    if scores == objective.outcome.key_results:
        raise NothingChangesError
    score = _mean(objective, scores)
    return ObjectiveRescored(
        score=score, verdict=verdict(ambition=objective.ambition, score=score), key_results=scores
    )


def write_retrospective(objective: Objective, written: Retrospective) -> RetrospectiveWritten:
    """Write down what was learned. Raises ObjectiveStateError, NothingChangesError."""
    require_step(objective, "write_retrospective")
    if written == objective.retrospective:
        raise NothingChangesError
    return RetrospectiveWritten(
        worked=written.worked, did_not_work=written.did_not_work, carry_on=written.carry_on
    )


def _scores(
    objective: Objective, computed: Mapping[UUID, float], overrides: Sequence[Override]
) -> tuple[KeyResultScore, ...]:
    chosen: dict[UUID, Override] = {}
    for each in overrides:
        objective.key_result(each.key_result_id)
        if each.key_result_id in chosen:
            raise OverrideRefusedError("A key result is scored once: it is named twice.")
        if not 0 <= each.score <= 1:  # false for NaN as well
            raise OverrideRefusedError("A score lies within 0 and 1.")
        if not each.reason.strip():
            raise OverrideRefusedError("A score that is set by hand needs a reason of its own.")
        chosen[each.key_result_id] = each
    return tuple(_score(each, computed[each], chosen.get(each)) for each in computed)


def _score(key_result_id: UUID, computed: float, chosen: Override | None) -> KeyResultScore:
    return KeyResultScore(
        key_result_id=key_result_id,
        score=chosen.score if chosen else computed,
        computed=computed,
        reason=chosen.reason if chosen else None,
    )


def _computed_anew(standing: KeyResultProgress, scored: KeyResultScore | None) -> float:
    if standing.attainment is not None or scored is None:
        return standing.progress
    return scored.score if scored.computed is None else scored.computed


def _mean(objective: Objective, scores: Sequence[KeyResultScore]) -> float:
    weights = {each.id: each.definition.weight for each in objective.key_results}
    mean = weighted_mean(Part(each.score, weights[each.key_result_id]) for each in scores)
    if mean is None:
        raise NothingToScoreError
    return mean
