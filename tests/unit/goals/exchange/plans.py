"""Plans of all kinds, for tests that take them out and bring them in."""

import re
from datetime import date
from typing import Any

from hypothesis import strategies as st

from services.chassis.bodies import LINE, WORDS_OR_NOTHING
from services.goals.exchange.plan import (
    EARLIEST_DAY,
    LATEST_DAY,
    Plan,
    PlannedAlignment,
    PlannedCycle,
    PlannedKeyResult,
    PlannedLink,
    PlannedMilestone,
    PlannedObjective,
    PlannedOwner,
    PlannedPhase,
)

# Everything that PostgreSQL and UTF-8 can hold, and often what CSV and spreadsheets stumble over.
AWKWARD = st.sampled_from(
    ["=1+1", "'=1", "@x", "-5", "+", "a;b", "a | b", "[1]", "\r", "\n", '"', " x "]
)
TEXTS = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
    | AWKWARD
)
NAMES = TEXTS.filter(bool)
# In a title and a description something can be seen, and a title is one line.
TITLES = (
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
    | AWKWARD.filter(str.isprintable)
).map(lambda text: text if re.fullmatch(LINE.pattern, text) else text + "x")
DESCRIPTIONS = TEXTS.map(
    lambda text: text if re.fullmatch(WORDS_OR_NOTHING.pattern, text) else text + "x"
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**6), 10**6).map(float)
SHARES = st.floats(0, 1) | st.none()
WEIGHTS = st.floats(0, 1_000_000)
DAYS = st.dates(EARLIEST_DAY, LATEST_DAY)
LABELS = st.from_regex(r"[a-z0-9][a-z0-9_.:/-]{0,9}", fullmatch=True)

OWNERS = st.builds(PlannedOwner, kind=st.sampled_from(["company", "team", "person"]), id=TITLES)
MILESTONES = st.builds(PlannedMilestone, title=TITLES, weight=st.floats(0.5, 9), done=st.booleans())
PHASES = st.builds(PlannedPhase, on=DAYS, value=NUMBERS)
ALIGNMENTS = st.builds(
    PlannedAlignment,
    objective=NAMES,
    key_result=st.none() | NAMES,
    kind=st.sampled_from(["contributes", "supports"]),
    weight=WEIGHTS,
)


def several(of: st.SearchStrategy[Any], at_most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=at_most).map(tuple)


def _key_result(number: int) -> st.SearchStrategy[PlannedKeyResult]:
    link = st.builds(
        PlannedLink, kpi=st.just("sales.revenue"), reading=st.sampled_from(["latest", "period"])
    )
    told = {
        "title": TITLES,
        "unit": TEXTS,
        "weight": WEIGHTS,
        "due_on": st.none() | DAYS,
        "value": st.none() | NUMBERS,
        "confidence": SHARES,
        "status": st.none() | st.sampled_from(["on_track", "at_risk", "off_track"]),
        "progress": SHARES,
        "score": SHARES,
        "key": st.just(f"key result {number}"),
    }
    low = st.floats(-1e9, 1e9)
    numeric = {**told, "link": st.none() | link}
    return st.one_of(
        st.builds(
            PlannedKeyResult,
            type=st.just("increase"),
            baseline=low,
            target=st.floats(1e10, 1e300),
            stretch=st.none() | st.just(1e301),
            **numeric,
        ),
        st.builds(
            PlannedKeyResult,
            type=st.just("decrease"),
            baseline=low,
            target=st.floats(-1e300, -1e10),
            **numeric,
        ),
        st.builds(PlannedKeyResult, type=st.just("maintain"), lower=low, **numeric),
        st.builds(
            PlannedKeyResult,
            type=st.just("milestones"),
            milestones=st.lists(MILESTONES, min_size=1, max_size=3).map(tuple),
            **told,
        ),
        st.builds(PlannedKeyResult, type=st.just("binary"), **told),
    )


def _objective(number: int) -> st.SearchStrategy[PlannedObjective]:
    return st.integers(0, 3).flatmap(
        lambda count: st.builds(
            PlannedObjective,
            key=TEXTS.map(lambda text: f"{text}#{number}"),
            title=TITLES,
            description=DESCRIPTIONS,
            owner=OWNERS,
            delegates=several(OWNERS),
            ambition=st.sampled_from(["committed", "aspirational"]),
            labels=several(LABELS),
            aligned_to=several(ALIGNMENTS),
            key_results=st.tuples(*(_key_result(each) for each in range(count))),
            state=st.sampled_from(["draft", "active", "closed"]),
            progress=SHARES,
            score=SHARES,
            verdict=st.none() | st.sampled_from(["achieved", "partial", "missed"]),
        )
    )


CYCLES = st.builds(
    PlannedCycle,
    id=st.uuids(),
    name=TITLES,
    starts_on=DAYS,
    ends_on=DAYS,
    cadence=st.sampled_from(["quarter", "year", "custom"]),
    check_in_rhythm=st.sampled_from(["weekly", "biweekly", "monthly"]),
)
PLANS = st.integers(1, 4).flatmap(
    lambda count: st.builds(
        Plan,
        format=st.just("cairn.plan.v1"),
        cycle=CYCLES,
        objectives=st.tuples(*(_objective(each) for each in range(count))),
    )
)

OWNER = {"kind": "team", "id": "team-web"}
DUE = date(2026, 3, 31)


def document(*objectives: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A plan as it is sent."""
    return {
        "format": "cairn.plan.v1",
        "cycle": {"name": "2026 Q1"},
        "objectives": list(objectives),
        **changes,
    }


def objective(**changes: Any) -> dict[str, Any]:
    return {
        "key": "homepage",
        "title": "Improve the homepage",
        "owner": OWNER,
        "key_results": [{"title": "The design is responsive", "type": "binary"}],
        **changes,
    }
