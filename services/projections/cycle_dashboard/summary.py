"""What a cycle looks like from afar: numbers out of how each of its objectives stood."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from contracts.goals import ObjectiveState, OwnerKind, Status
from contracts.progress import Part, computed_status, pace, weighted_mean
from services.projections.cycle_dashboard.query import Standing
from services.projections.okrs.cycles import Term

NO_STATUS: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Objectives summed up.

    `objectives` and `by_state` count all. The rest is about those that count, which are active
    or closed: `progress` is their mean, `pace` that less the mean of what is expected of them,
    `confidence` the mean over their key results; all are None where nothing has one. `by_status`
    counts key results by what people say, `by_computed_status` objectives by what their pace
    says.
    """

    objectives: int
    by_state: dict[str, int]
    key_results: int
    by_status: dict[str, int]
    unchecked: int
    progress: float | None
    pace: float | None
    computed_status: Status | None
    by_computed_status: dict[str, int]
    confidence: float | None


def summarise(standings: Iterable[Standing], term: Term) -> Summary:
    """Sum objectives up. `term` is that of their cycle."""
    everything = list(standings)
    counted = [each for each in everything if each.counts]
    progress = weighted_mean([Part(each.progress, 1.0) for each in counted])
    ahead = _pace_of_all(counted, progress, term)
    return Summary(
        objectives=len(everything),
        by_state=_by_state(everything),
        key_results=sum(each.key_results for each in counted),
        by_status=_by_status(counted),
        unchecked=sum(each.unchecked for each in counted if each.state == "active"),
        progress=progress,
        pace=ahead,
        computed_status=computed_status(ahead),
        by_computed_status=_by_computed_status(counted, term),
        confidence=weighted_mean(
            [Part(each.confidence, float(each.confidences)) for each in counted]
        ),
    )


def by_owner(standings: Iterable[Standing], term: Term) -> list[tuple[OwnerKind, str, Summary]]:
    """A summary for each owner, by kind and id."""
    owned: dict[tuple[OwnerKind, str], list[Standing]] = {}
    for each in standings:
        owned.setdefault((each.owner_kind, each.owner_id), []).append(each)
    return [(*owner, summarise(owned[owner], term)) for owner in sorted(owned)]


def furthest_behind(
    standings: Iterable[Standing], term: Term, limit: int
) -> list[tuple[Standing, float]]:
    """The active objectives that are furthest behind what is expected, with their pace."""
    behind = [
        (each, pace_now)
        for each in standings
        if each.state == "active" and (pace_now := _pace(each, term) or 0.0) < 0
    ]
    return sorted(behind, key=lambda found: (found[1], found[0].title, found[0].id))[:limit]


def changed(standings: Iterable[Standing]) -> list[Standing]:
    """Objectives whose state or progress is another than before, the greatest moves first."""
    moved = [
        each
        for each in standings
        if (each.state, each.progress) != (each.state_before, each.progress_before)
    ]
    return sorted(moved, key=lambda each: (-_distance(each), each.title, each.id))


def _pace(standing: Standing, term: Term) -> float | None:
    return pace(standing.progress, _expected(standing, term))


def _pace_of_all(standings: Iterable[Standing], progress: float | None, term: Term) -> float | None:
    """How far the mean of their progress is ahead of the mean of what is expected of them."""
    expected = weighted_mean(
        [Part(_expected(each, term), 1.0) for each in standings if each.progress is not None]
    )
    return None if expected is None else pace(progress, expected)


def _expected(standing: Standing, term: Term) -> float:
    return term.until(standing.ended_at).expected


def _distance(standing: Standing) -> float:
    return abs((standing.progress or 0.0) - (standing.progress_before or 0.0))


def _by_state(standings: Sequence[Standing]) -> dict[str, int]:
    counts = Counter(each.state for each in standings)
    return {state: counts[state] for state in get_args(ObjectiveState)}


def _by_status(standings: Sequence[Standing]) -> dict[str, int]:
    counts = {
        status: sum(getattr(each, status) for each in standings) for status in get_args(Status)
    }
    said = sum(counts.values())
    return {**counts, NO_STATUS: sum(each.key_results for each in standings) - said}


def _by_computed_status(standings: Iterable[Standing], term: Term) -> dict[str, int]:
    counts = Counter(computed_status(_pace(each, term)) for each in standings)
    return {**{status: counts[status] for status in get_args(Status)}, NO_STATUS: counts[None]}
