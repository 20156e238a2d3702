"""How an objective is scored, scored anew, and learned from."""

import math
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from contracts.goals import Ambition, Verdict
from contracts.progress import KeyResultProgress
from services.goals.domain.errors import (
    KeyResultNotFoundError,
    NothingChangesError,
    NothingToScoreError,
    OverrideRefusedError,
    ReasonRequiredError,
)
from services.goals.domain.events import (
    KeyResultScore,
    ObjectiveActivated,
    ObjectiveClosed,
    ObjectiveRescored,
    ObjectiveRevised,
    RetrospectiveWritten,
)
from services.goals.domain.objective import Objective, Retrospective
from services.goals.domain.rollup import roll_up
from services.goals.domain.scoring import Override, close, rescore, write_retrospective
from tests.unit.goals.given import (
    ACTIVE,
    CLOSED,
    COVERAGE,
    COVERAGE_ADDED,
    DRAFTED,
    LANGUAGES,
    RESPONSIVE,
    an_objective,
    checked_in,
    in_work,
    key_result_added,
    then,
)

HEAVY = key_result_added("Bugs found", weight=3)
SHOWN = key_result_added("Bugs fixed", weight=0)
WHY = "A third came from a fair we did not plan."


def reached(progress: float) -> KeyResultProgress:
    return KeyResultProgress(attainment=progress, progress=progress, source="manual", position=5)


def scored(key_result_id: UUID, score: float) -> KeyResultScore:
    return KeyResultScore(key_result_id=key_result_id, score=score, computed=score, reason=None)


def override(score: float, key_result_id: UUID = COVERAGE, reason: str = WHY) -> Override:
    return Override(key_result_id=key_result_id, score=score, reason=reason)


BOTH = an_objective(DRAFTED, COVERAGE_ADDED, HEAVY, ObjectiveActivated())
HALF_AND_ALL = {COVERAGE: reached(0.5), HEAVY.key_result_id: reached(1.0)}


def test_closing_scores_each_key_result_and_their_weighted_mean() -> None:
    assert close(BOTH, progress=HALF_AND_ALL) == ObjectiveClosed(
        score=(0.5 * 1 + 1.0 * 3) / 4,
        verdict="partial",
        key_results=(scored(COVERAGE, 0.5), scored(HEAVY.key_result_id, 1.0)),
    )


@pytest.mark.parametrize(
    ("ambition", "score", "verdict"),
    [
        ("committed", 1.0, "achieved"),
        ("committed", 0.99, "partial"),
        ("committed", 0.39, "missed"),
        ("aspirational", 0.7, "achieved"),
        ("aspirational", 0.69, "partial"),
        ("aspirational", 0.4, "partial"),
        ("aspirational", 0.39, "missed"),
    ],
)
def test_the_verdict_is_by_ambition(ambition: Ambition, score: float, verdict: Verdict) -> None:
    words = ObjectiveRevised(title="T", description="", ambition=ambition, labels=())
    given = then(an_objective(*ACTIVE), words)
    assert close(given, progress={COVERAGE: reached(score)}).verdict == verdict
    closed = then(given, close(given, progress={COVERAGE: reached(0.5)}))
    assert (
        rescore(closed, progress=HALF_AND_ALL, overrides=[override(score)], reason=WHY).verdict
        == verdict
    )


def test_a_key_result_of_weight_zero_is_scored_but_not_counted() -> None:
    given = an_objective(DRAFTED, COVERAGE_ADDED, SHOWN, ObjectiveActivated())
    progress = {COVERAGE: reached(1.0), SHOWN.key_result_id: reached(0.0)}
    event = close(given, progress=progress, overrides=[override(0.5, SHOWN.key_result_id)])
    assert (event.score, event.verdict) == (1.0, "achieved")
    assert event.key_results[1] == KeyResultScore(
        key_result_id=SHOWN.key_result_id, score=0.5, computed=0.0, reason=WHY
    )


def test_an_objective_in_which_nothing_counts_cannot_be_scored() -> None:
    given = an_objective(DRAFTED, SHOWN, ObjectiveActivated())
    with pytest.raises(NothingToScoreError, match="Add one that counts"):
        close(
            given,
            progress={SHOWN.key_result_id: reached(1.0)},
            overrides=[override(1.0, SHOWN.key_result_id)],
        )


def test_closing_takes_the_progress_as_it_is_rolled_up() -> None:
    binary = in_work(RESPONSIVE, checked_in(1.0))
    assert close(binary, progress=roll_up(binary).key_results).score == 1.0
    listed = in_work(LANGUAGES)
    assert close(listed, progress=roll_up(listed).key_results).score == 0.0
    beyond = an_objective(*ACTIVE, checked_in(120.0))  # 70 -> 90
    assert close(beyond, progress=roll_up(beyond).key_results).score == 1.0


def test_a_score_set_by_hand_keeps_the_computed_one_and_the_reason() -> None:
    event = close(BOTH, progress=HALF_AND_ALL, overrides=[override(0.25, HEAVY.key_result_id)])
    assert event.key_results == (
        scored(COVERAGE, 0.5),
        KeyResultScore(key_result_id=HEAVY.key_result_id, score=0.25, computed=1.0, reason=WHY),
    )
    assert event.score == (0.5 * 1 + 0.25 * 3) / 4


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_a_score_set_by_hand_may_be_nothing_or_all(score: float) -> None:
    assert close(BOTH, progress=HALF_AND_ALL, overrides=[override(score)]).key_results[0].score == (
        score
    )


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        ([override(-0.1)], "within 0 and 1"),
        ([override(1.1)], "within 0 and 1"),
        ([override(math.nan)], "within 0 and 1"),
        ([override(0.5, reason="")], "a reason of its own"),
        ([override(0.5, reason=" \n")], "a reason of its own"),
        ([override(0.5), override(0.5)], "named twice"),
    ],
)
def test_a_score_that_is_set_carelessly_is_refused(overrides: list[Override], text: str) -> None:
    with pytest.raises(OverrideRefusedError, match=text):
        close(BOTH, progress=HALF_AND_ALL, overrides=overrides)
    with pytest.raises(OverrideRefusedError, match=text):
        rescore(an_objective(*CLOSED), progress=HALF_AND_ALL, overrides=overrides, reason=WHY)


def test_only_key_results_of_the_objective_are_scored() -> None:
    with pytest.raises(KeyResultNotFoundError):
        close(BOTH, progress=HALF_AND_ALL, overrides=[override(0.5, uuid4())])
    with pytest.raises(KeyResultNotFoundError):
        rescore(
            an_objective(*CLOSED),
            progress=HALF_AND_ALL,
            overrides=[override(0.5, uuid4())],
            reason=WHY,
        )


def closed_with(
    progress: Mapping[UUID, KeyResultProgress], *overrides: Override, given: Objective = BOTH
) -> Objective:
    return then(given, close(given, progress=progress, overrides=overrides))


def test_scoring_anew_changes_what_is_named_and_the_mean() -> None:
    closed = closed_with(HALF_AND_ALL)
    event = rescore(closed, progress=HALF_AND_ALL, overrides=[override(1.0)], reason=WHY)
    assert event == ObjectiveRescored(
        score=1.0,
        verdict="achieved",
        key_results=(
            KeyResultScore(key_result_id=COVERAGE, score=1.0, computed=0.5, reason=WHY),
            scored(HEAVY.key_result_id, 1.0),
        ),
    )


def test_scoring_anew_without_overrides_goes_back_to_what_was_computed() -> None:
    closed = closed_with(HALF_AND_ALL, override(1.0))
    event = rescore(closed, progress=HALF_AND_ALL, overrides=[], reason=WHY)
    assert event.key_results == (scored(COVERAGE, 0.5), scored(HEAVY.key_result_id, 1.0))


def test_the_same_scores_for_the_same_reasons_are_no_change() -> None:
    closed = closed_with(HALF_AND_ALL, override(1.0))
    with pytest.raises(NothingChangesError):
        rescore(closed, progress=HALF_AND_ALL, overrides=[override(1.0)], reason="Once more.")
    assert rescore(
        closed,
        progress=HALF_AND_ALL,
        overrides=[override(1.0, reason="Another reason.")],
        reason=WHY,
    )


@pytest.mark.parametrize("reason", [None, ""])
def test_nothing_is_scored_anew_without_saying_why(reason: str | None) -> None:
    with pytest.raises(ReasonRequiredError, match="Scoring a closed objective anew needs a reason"):
        rescore(
            an_objective(*CLOSED), progress=HALF_AND_ALL, overrides=[override(1.0)], reason=reason
        )


def test_scoring_anew_takes_in_what_was_corrected_since() -> None:
    closed = closed_with(HALF_AND_ALL)
    corrected = {**HALF_AND_ALL, COVERAGE: replace(HALF_AND_ALL[COVERAGE], progress=0.8)}
    event = rescore(closed, progress=corrected, overrides=[], reason=WHY)
    assert event.key_results[0] == scored(COVERAGE, 0.8)


def test_scoring_anew_keeps_what_came_from_below() -> None:
    aligned = KeyResultProgress(attainment=None, progress=0.8, source="aligned", position=6)
    closed = closed_with({**HALF_AND_ALL, COVERAGE: aligned})
    left = KeyResultProgress(attainment=None, progress=0.0, source="computed", position=None)
    now = {**HALF_AND_ALL, COVERAGE: left}
    overrides = [override(0.6, HEAVY.key_result_id)]
    event = rescore(closed, progress=now, overrides=overrides, reason=WHY)
    assert event.key_results[0] == scored(COVERAGE, 0.8)


LEARNED = Retrospective(worked="Pairs.", did_not_work="Friday releases.", carry_on="Pairs.")


def test_what_was_learned_is_written_down_and_rewritten() -> None:
    event = write_retrospective(an_objective(*ACTIVE), LEARNED)
    assert event == RetrospectiveWritten(
        worked="Pairs.", did_not_work="Friday releases.", carry_on="Pairs."
    )
    written = then(an_objective(*ACTIVE), event)
    assert written.retrospective == LEARNED
    other = Retrospective(worked="Pairs.", did_not_work="Friday releases.", carry_on="")
    assert then(written, write_retrospective(written, other)).retrospective == other


def test_the_same_retrospective_is_no_change() -> None:
    written = then(an_objective(*ACTIVE), write_retrospective(an_objective(*ACTIVE), LEARNED))
    with pytest.raises(NothingChangesError):
        write_retrospective(written, LEARNED)
