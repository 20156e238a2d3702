"""Who may say what of a key result, about which time, and how it is put right."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from services.goals.domain.check_in import (
    CLOCK_TOLERANCE,
    Standing,
    StandingCheckIn,
    Statement,
    check_in,
    correct,
)
from services.goals.domain.cycle import Cycle
from services.goals.domain.definition import Definition
from services.goals.domain.errors import (
    CheckInValueError,
    EffectiveAtError,
    KeyResultNotFoundError,
    MilestoneNotFoundError,
    NothingChangesError,
    NumberRefusedError,
    OverrideReasonRequiredError,
    ReasonRequiredError,
)
from services.goals.domain.events import (
    CheckInCorrected,
    CycleActivated,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultRemoved,
)
from services.goals.domain.objective import Objective
from tests.unit.goals.given import (
    ACTIVE,
    ACTIVE_CYCLE,
    COVERAGE,
    FRENCH,
    GERMAN,
    LANGUAGES,
    LATENCY,
    LEADS,
    NOW,
    PLANNED,
    POLISH,
    RESPONSIVE,
    SCORING_CYCLE,
    UPTIME,
    a_cycle,
    an_objective,
    in_work,
    key_result_added,
)

SAID = Statement(
    key_result_id=COVERAGE,
    check_in_id=UUID(int=9),
    standing=Standing(value=80.0),
    confidence=0.6,
    status="on_track",
    comment="The new suite is in.",
)
LINKED = KeyResultLinked(key_result_id=COVERAGE, kpi="quality.coverage", reading="latest")
SECOND = timedelta(seconds=1)
VALUE = Standing(value=80.0)
DONE = Standing(done=True)
LISTED = Standing(milestones_done=(GERMAN,))


def take_down(
    objective: Objective,
    said: Statement = SAID,
    *,
    cycle: Cycle = ACTIVE_CYCLE,
    effective_at: datetime = NOW,
    reason: str | None = None,
) -> KeyResultCheckedIn:
    return check_in(objective, cycle, said, effective_at=effective_at, now=NOW, reason=reason)


def test_a_check_in_on_an_active_objective_is_taken_down() -> None:
    assert take_down(an_objective(*ACTIVE)) == KeyResultCheckedIn(
        key_result_id=COVERAGE,
        check_in_id=UUID(int=9),
        value=80,
        confidence=0.6,
        status="on_track",
        comment="The new suite is in.",
        milestones_done=(),
    )


def test_a_last_check_in_is_taken_while_the_cycle_is_scored() -> None:
    assert take_down(an_objective(*ACTIVE), cycle=SCORING_CYCLE)


@pytest.mark.parametrize(
    ("definition", "standing", "value"),
    [
        (LEADS, Standing(value=600.0), 600.0),
        (LATENCY, Standing(value=-1e300), -1e300),
        (UPTIME, Standing(value=99.9), 99.9),
        (RESPONSIVE, Standing(done=True), 1.0),
        (RESPONSIVE, Standing(done=False), 0.0),
        (LANGUAGES, Standing(milestones_done=()), 0.0),
        (LANGUAGES, Standing(milestones_done=(FRENCH,)), 0.25),  # 1 of 2 + 1 + 1
        (LANGUAGES, Standing(milestones_done=(GERMAN,)), 0.5),
        (LANGUAGES, Standing(milestones_done=(GERMAN, FRENCH, POLISH)), 1.0),
    ],
)
def test_each_type_is_checked_in_on_in_its_own_way(
    definition: Definition, standing: Standing, value: float
) -> None:
    event = take_down(in_work(definition), replace(SAID, standing=standing))
    assert (event.value, event.milestones_done) == (value, standing.milestones_done or ())


def test_milestones_are_listed_once_and_in_the_order_of_the_checklist() -> None:
    said = replace(SAID, standing=Standing(milestones_done=(POLISH, GERMAN, POLISH)))
    event = take_down(in_work(LANGUAGES), said)
    assert (event.value, event.milestones_done) == (0.75, (GERMAN, POLISH))


def test_a_milestone_that_weighs_nothing_is_done_and_counts_nothing() -> None:
    first, second, third = LANGUAGES.milestones
    light = replace(LANGUAGES, milestones=(replace(first, weight=0.0), second, third))
    event = take_down(in_work(light), replace(SAID, standing=LISTED))
    assert (event.value, event.milestones_done) == (0.0, (GERMAN,))


@pytest.mark.parametrize(
    ("definition", "standing"),
    [
        (definition, standing)
        for definition, right in [
            (LEADS, VALUE),
            (LATENCY, VALUE),
            (UPTIME, VALUE),
            (LANGUAGES, LISTED),
            (RESPONSIVE, DONE),
        ]
        for standing in (
            VALUE,
            DONE,
            LISTED,
            Standing(),
            replace(right, value=1.0, done=False),
            replace(right, milestones_done=(), value=0.0),
            replace(right, milestones_done=(), done=True),
        )
        if standing != right
    ],
)
def test_any_other_way_is_refused_and_the_right_one_named(
    definition: Definition, standing: Standing
) -> None:
    way = {"milestones": "milestones_done", "binary": "done, true or false"}
    with pytest.raises(CheckInValueError, match=way.get(definition.type, "value")) as refusal:
        take_down(in_work(definition), replace(SAID, standing=standing))
    assert refusal.value.extensions == {"key_result_type": definition.type}


def test_a_milestone_that_is_not_on_the_list_is_named() -> None:
    stranger = uuid4()
    said = replace(SAID, standing=Standing(milestones_done=(GERMAN, stranger)))
    with pytest.raises(MilestoneNotFoundError, match=str(stranger)):
        take_down(in_work(LANGUAGES), said)


def test_a_check_in_on_an_unknown_key_result_is_refused() -> None:
    with pytest.raises(KeyResultNotFoundError):
        take_down(an_objective(*ACTIVE), replace(SAID, key_result_id=uuid4()))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(NumberRefusedError, match="value is a finite number"):
        take_down(an_objective(*ACTIVE), replace(SAID, standing=Standing(value=value)))


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan])
def test_a_confidence_beyond_certainty_is_refused(confidence: float) -> None:
    with pytest.raises(NumberRefusedError, match="confidence is a number from 0 to 1"):
        take_down(an_objective(*ACTIVE), replace(SAID, confidence=confidence))


@pytest.mark.parametrize("confidence", [None, 0.0, 1.0])
def test_a_confidence_is_a_share_of_one_or_left_open(confidence: float | None) -> None:
    event = take_down(an_objective(*ACTIVE), replace(SAID, confidence=confidence))
    assert event.confidence == confidence


@pytest.mark.parametrize(
    "effective_at",
    [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        NOW,
        NOW + CLOCK_TOLERANCE,
    ],
)
def test_a_check_in_is_about_any_time_from_the_cycle_s_beginning_to_now(
    effective_at: datetime,
) -> None:
    assert take_down(an_objective(*ACTIVE), effective_at=effective_at)


@pytest.mark.parametrize(
    "effective_at",
    [
        datetime(2026, 1, 1, tzinfo=UTC) - SECOND,
        datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
        NOW + CLOCK_TOLERANCE + SECOND,
    ],
)
def test_a_check_in_about_the_future_or_before_the_cycle_is_refused(
    effective_at: datetime,
) -> None:
    with pytest.raises(EffectiveAtError, match="when work in the cycle began") as refusal:
        take_down(an_objective(*ACTIVE), effective_at=effective_at)
    assert refusal.value.extensions == {
        "earliest": datetime(2026, 1, 1, tzinfo=UTC),
        "latest": NOW,
    }


def test_in_a_cycle_activated_early_work_may_be_told_of_from_then_on() -> None:
    early = datetime(2025, 12, 20, tzinfo=UTC)
    cycle = a_cycle(PLANNED, CycleActivated(), at=early)
    assert take_down(an_objective(*ACTIVE), cycle=cycle, effective_at=early)
    with pytest.raises(EffectiveAtError):
        take_down(an_objective(*ACTIVE), cycle=cycle, effective_at=early - SECOND)


@pytest.mark.parametrize("reason", [None, ""])
def test_a_linked_key_result_is_not_overridden_without_a_reason(reason: str | None) -> None:
    with pytest.raises(OverrideReasonRequiredError, match=r"quality\.coverage") as refusal:
        take_down(an_objective(*ACTIVE, LINKED), reason=reason)
    assert refusal.value.extensions == {"kpi": "quality.coverage"}


def test_a_linked_key_result_is_overridden_with_a_reason() -> None:
    assert take_down(an_objective(*ACTIVE, LINKED), reason="The probe is broken.")


ORIGINAL = StandingCheckIn(
    key_result_id=COVERAGE,
    effective_at=NOW,
    value=80.0,
    confidence=0.6,
    status="on_track",
    comment="The new suite is in.",
    milestones_done=(),
)
WHY = "Two digits were swapped."


def put_right(
    objective: Objective,
    said: Statement,
    original: StandingCheckIn = ORIGINAL,
    reason: str | None = WHY,
) -> CheckInCorrected:
    return correct(objective, said, original=original, reason=reason)


def test_a_check_in_is_put_right() -> None:
    said = replace(SAID, standing=Standing(value=78.0), comment="It was 78.")
    assert put_right(an_objective(*ACTIVE), said) == CheckInCorrected(
        key_result_id=COVERAGE,
        check_in_id=UUID(int=9),
        value=78,
        was=80,
        confidence=0.6,
        status="on_track",
        comment="It was 78.",
        milestones_done=(),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"standing": Standing(value=80.1)},
        {"confidence": None},
        {"status": "at_risk"},
        {"comment": ""},
    ],
    ids="".join,
)
def test_anything_of_a_check_in_can_be_put_right(change: dict[str, object]) -> None:
    assert put_right(an_objective(*ACTIVE), replace(SAID, **change))  # type: ignore[arg-type]


def test_what_was_said_in_the_same_way_before_is_no_correction() -> None:
    with pytest.raises(NothingChangesError):
        put_right(an_objective(*ACTIVE), SAID)


@pytest.mark.parametrize("listed", [(GERMAN, FRENCH), (FRENCH, GERMAN)])
def test_the_same_milestones_in_any_order_are_no_correction(listed: tuple[UUID, ...]) -> None:
    original = replace(ORIGINAL, value=0.75, milestones_done=(GERMAN, FRENCH))
    said = replace(SAID, standing=Standing(milestones_done=listed))
    with pytest.raises(NothingChangesError):
        put_right(in_work(LANGUAGES), said, original)


@pytest.mark.parametrize("reason", [None, ""])
def test_nothing_is_put_right_without_saying_why(reason: str | None) -> None:
    with pytest.raises(ReasonRequiredError, match="Correcting a check-in needs a reason"):
        put_right(an_objective(*ACTIVE), replace(SAID, comment="Else"), reason=reason)


@pytest.mark.parametrize(
    ("definition", "said", "error"),
    [
        (LEADS, replace(SAID, standing=DONE), CheckInValueError),
        (LEADS, replace(SAID, standing=Standing(value=math.nan)), NumberRefusedError),
        (LEADS, replace(SAID, confidence=2.0), NumberRefusedError),
        (
            LANGUAGES,
            replace(SAID, standing=Standing(milestones_done=(uuid4(),))),
            MilestoneNotFoundError,
        ),
    ],
)
def test_what_is_put_right_is_said_in_the_right_way(
    definition: Definition, said: Statement, error: type[Exception]
) -> None:
    with pytest.raises(error):
        put_right(in_work(definition), said)


def test_a_check_in_on_a_key_result_that_is_gone_stays_as_it_is() -> None:
    gone = in_work(LEADS, key_result_added(), KeyResultRemoved(key_result_id=COVERAGE))
    with pytest.raises(KeyResultNotFoundError):
        put_right(gone, replace(SAID, comment="Else"))
