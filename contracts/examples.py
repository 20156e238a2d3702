"""One example of every published event, told as one story: a quarter's sales objective.

They are instances of the classes, so an example that no longer fits its class cannot exist. They
go into the committed schemas and the AsyncAPI document.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts import goals, metrics, reviews
from contracts.events import Actor, EventContext, PublishedEvent

CYCLE: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c01")
COMPANY_OBJECTIVE: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02")
OBJECTIVE: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03")
KEY_RESULT: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04")
MILESTONE: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c06")
CHECK_IN: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c05")
SUCCESSOR: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c07")
NEXT_CYCLE: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c08")
REVIEW: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c0a")
ACTION: Final = UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c0b")
KPI: Final = "sales.conversion.daily"
KPI_ID: Final = UUID("5f0c7c7e-52d1-5a36-9d0c-8a3a5a3f6d11")

_LEAD = Actor(id="u-7f3a", kind="human")
_FOLLOWER = Actor(id="goals", kind="automation")
_ROLLUPS = Actor(id="metrics", kind="automation")
_FIRST_DAY = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def _context(
    actor: Actor,
    *,
    day: int,
    reason: str | None = None,
    causation_id: str | None = None,
    after_closing: bool = False,
) -> EventContext:
    recorded_at = _FIRST_DAY + timedelta(days=day)
    return EventContext(
        actor=actor,
        reason=reason,
        effective_at=recorded_at,
        recorded_at=recorded_at,
        command_id=UUID(int=0x019B5A1C3F007A108C510D2F4B6A9000 + day),
        correlation_id=f"plan-2026-q1-{day:03}",
        causation_id=causation_id,
        after_closing=after_closing,
    )


_GOALS: Final[tuple[PublishedEvent, ...]] = (
    goals.CyclePlanned(
        context=_context(_LEAD, day=0),
        cycle_id=CYCLE,
        name="2026 Q1",
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 3, 31),
        cadence="quarter",
        check_in_rhythm="weekly",
    ),
    goals.CycleActivated(context=_context(_LEAD, day=1), cycle_id=CYCLE),
    goals.CycleScoringStarted(context=_context(_LEAD, day=86), cycle_id=CYCLE),
    goals.CycleClosed(context=_context(_LEAD, day=90), cycle_id=CYCLE),
    goals.ObjectiveDrafted(
        context=_context(_LEAD, day=2),
        objective_id=OBJECTIVE,
        cycle_id=CYCLE,
        title="Increase sales revenue by 20%",
        description="More of those who look should buy, and buy more.",
        owner=goals.Owner(kind="team", id="sales"),
        ambition="aspirational",
        labels=("revenue", "2026"),
        delegates=(goals.Owner(kind="person", id="u-19d2"),),
    ),
    goals.KeyResultAdded(
        context=_context(_LEAD, day=3),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        title="Raise conversion from 5% to 8%",
        type="increase",
        baseline=5.0,
        target=8.0,
        stretch=9.0,
        unit="%",
        weight=2.0,
        due_on=date(2026, 3, 31),
        phased_targets=(goals.PhasedTarget(on=date(2026, 2, 15), value=6.0),),
    ),
    goals.ObjectiveAligned(
        context=_context(_LEAD, day=4),
        objective_id=OBJECTIVE,
        parent_objective_id=COMPANY_OBJECTIVE,
        parent_key_result_id=None,
        kind="contributes",
        weight=1.0,
    ),
    goals.ObjectiveUnaligned(
        context=_context(_LEAD, day=60, reason="The company objective was abandoned."),
        objective_id=OBJECTIVE,
        parent_objective_id=COMPANY_OBJECTIVE,
        parent_key_result_id=None,
    ),
    goals.ObjectiveActivated(context=_context(_LEAD, day=5), objective_id=OBJECTIVE),
    goals.KeyResultCheckedIn(
        context=_context(_LEAD, day=14),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        check_in_id=CHECK_IN,
        value=5.6,
        confidence=0.7,
        status="on_track",
        comment="The shorter order form is live.",
    ),
    goals.KeyResultLinked(
        context=_context(_LEAD, day=15),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        kpi=KPI,
        reading="period",
    ),
    goals.KeyResultUnlinked(
        context=_context(_LEAD, day=70, reason="Conversion is now counted by hand."),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        kpi=KPI,
    ),
    goals.KeyResultMeasured(
        context=_context(_FOLLOWER, day=16, causation_id="metrics:4711"),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        kpi=KPI,
        value=6.2,
        period_start=datetime(2026, 1, 20, tzinfo=UTC),
        period_end=datetime(2026, 1, 21, tzinfo=UTC),
        metrics_position=4711,
        definition=1,
    ),
    goals.ObjectiveClosed(
        context=_context(_LEAD, day=88),
        objective_id=OBJECTIVE,
        score=0.8,
        verdict="achieved",
        key_results=(goals.KeyResultScore(key_result_id=KEY_RESULT, score=0.8),),
    ),
    goals.CycleRevised(
        context=_context(_LEAD, day=1),
        cycle_id=CYCLE,
        name="First quarter of 2026",
        check_in_rhythm="biweekly",
    ),
    goals.CycleReopened(
        context=_context(_LEAD, day=91, reason="Two scores were entered for the wrong team."),
        cycle_id=CYCLE,
        state="scoring",
    ),
    goals.ObjectiveRevised(
        context=_context(_LEAD, day=7),
        objective_id=OBJECTIVE,
        title="Increase sales revenue by 20% without discounts",
        description="More of those who look should buy, and buy more.",
        ambition="aspirational",
        labels=("revenue",),
    ),
    goals.ObjectiveReassigned(
        context=_context(_LEAD, day=8, reason="The shop has a team of its own now."),
        objective_id=OBJECTIVE,
        owner=goals.Owner(kind="team", id="shop"),
    ),
    goals.ObjectiveDelegated(
        context=_context(_LEAD, day=8),
        objective_id=OBJECTIVE,
        delegates=(goals.Owner(kind="person", id="u-19d2"),),
    ),
    goals.KeyResultRevised(
        context=_context(_LEAD, day=9),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        title="Raise conversion on all devices from 5% to 8%",
        unit="%",
        weight=3.0,
        due_on=date(2026, 3, 31),
    ),
    goals.KeyResultRetargeted(
        context=_context(_LEAD, day=10, reason="What can be bought has become a checklist."),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        type="milestones",
        milestones=(goals.Milestone(id=MILESTONE, title="The new order form is live"),),
    ),
    goals.KeyResultRemoved(
        context=_context(_LEAD, day=11, reason="Conversion already says it."),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
    ),
    goals.ObjectiveProposed(context=_context(_LEAD, day=3), objective_id=OBJECTIVE),
    goals.ObjectiveApproved(context=_context(_LEAD, day=4), objective_id=OBJECTIVE),
    goals.ObjectiveReturned(
        context=_context(_LEAD, day=4, reason="The second key result is a task."),
        objective_id=OBJECTIVE,
    ),
    goals.CheckInCorrected(
        context=_context(_LEAD, day=15, reason="A digit was missing."),
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        check_in_id=CHECK_IN,
        value=5.9,
        was=5.6,
        confidence=0.7,
        status="on_track",
        comment="The shorter order form is live.",
    ),
    goals.ObjectiveRescored(
        context=_context(
            _LEAD, day=92, reason="Returns were counted as sales.", after_closing=True
        ),
        objective_id=OBJECTIVE,
        score=0.6,
        verdict="partial",
        key_results=(
            goals.KeyResultScore(
                key_result_id=KEY_RESULT, score=0.6, computed=0.8, reason="Without returns: 6.8%."
            ),
        ),
    ),
    goals.RetrospectiveWritten(
        context=_context(_LEAD, day=89),
        objective_id=OBJECTIVE,
        worked="The shorter order form.",
        did_not_work="Reminders by mail.",
        carry_on="The order form on all devices.",
    ),
    goals.ObjectivePostponed(
        context=_context(_LEAD, day=30, reason="The shop moves to another system first."),
        objective_id=OBJECTIVE,
    ),
    goals.ObjectiveAbandoned(
        context=_context(_LEAD, day=31, reason="The shop was sold."), objective_id=OBJECTIVE
    ),
    goals.ObjectiveReopened(
        context=_context(_LEAD, day=32, reason="It was not sold after all."),
        objective_id=OBJECTIVE,
        state="active",
    ),
    goals.ObjectiveCarriedOver(
        context=_context(_LEAD, day=89),
        objective_id=OBJECTIVE,
        successor_id=SUCCESSOR,
        successor_cycle_id=NEXT_CYCLE,
    ),
    goals.ObjectiveCommented(
        context=_context(_LEAD, day=17),
        objective_id=OBJECTIVE,
        comment_id=UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c09"),
        text="Is that with or without the sale of January?",
        check_in_id=CHECK_IN,
    ),
    goals.ObjectiveAcknowledged(
        context=_context(_LEAD, day=17), objective_id=OBJECTIVE, check_in_id=CHECK_IN
    ),
)

_BREACH: Final = reviews.Breach(
    event_id=UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c0c"),
    status="red",
    value=4.1,
    threshold=4.5,
    period_start=datetime(2026, 1, 27, tzinfo=UTC),
    period_end=datetime(2026, 1, 28, tzinfo=UTC),
    since=datetime(2026, 1, 26, tzinfo=UTC),
    metrics_position=4790,
)
_REVIEWS: Final[tuple[PublishedEvent, ...]] = (
    reviews.ReviewOpened(
        context=_context(_FOLLOWER, day=23, causation_id=str(_BREACH.event_id)),
        review_id=REVIEW,
        objective_id=OBJECTIVE,
        key_result_id=KEY_RESULT,
        kpi=KPI,
        owner=goals.Owner(kind="team", id="sales"),
        breach=_BREACH,
    ),
    reviews.ReviewAssigned(
        context=_context(_LEAD, day=24, reason="She wrote the order form."),
        review_id=REVIEW,
        owner=goals.Owner(kind="person", id="u-19d2"),
        due_on=date(2026, 2, 6),
    ),
    reviews.ReviewCauseFound(
        context=_context(_LEAD, day=25),
        review_id=REVIEW,
        cause="On phones the order form asked for the address twice.",
    ),
    reviews.ReviewActionAdded(
        context=_context(_LEAD, day=25),
        review_id=REVIEW,
        action_id=ACTION,
        title="Ask for the address once",
        owners=(goals.Owner(kind="team", id="shop"),),
        due_on=date(2026, 2, 3),
    ),
    reviews.ReviewActionRevised(
        context=_context(_LEAD, day=26),
        review_id=REVIEW,
        action_id=ACTION,
        title="Ask for the address once, on all devices",
        owners=(goals.Owner(kind="team", id="shop"), goals.Owner(kind="person", id="u-19d2")),
        due_on=date(2026, 2, 4),
    ),
    reviews.ReviewActionMoved(
        context=_context(_LEAD, day=28), review_id=REVIEW, action_id=ACTION, state="done"
    ),
    reviews.ReviewClosingProposed(
        context=_context(_FOLLOWER, day=32, causation_id="019b5a1c-3f00-7a10-8c51-0d2f4b6a8c0d"),
        review_id=REVIEW,
        recovery=reviews.Recovery(
            event_id=UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c0d"),
            value=6.1,
            period_start=datetime(2026, 2, 5, tzinfo=UTC),
            period_end=datetime(2026, 2, 6, tzinfo=UTC),
            since=datetime(2026, 2, 4, tzinfo=UTC),
            metrics_position=4861,
        ),
    ),
    reviews.ReviewClosingWithdrawn(
        context=_context(_FOLLOWER, day=33, causation_id=str(_BREACH.event_id)),
        review_id=REVIEW,
        breach=_BREACH,
    ),
    reviews.ReviewClosed(
        context=_context(_LEAD, day=34),
        review_id=REVIEW,
        resolution="Conversion is back at 6% since the address is asked for once.",
    ),
    reviews.ReviewReopened(
        context=_context(_LEAD, day=35, reason="It was the holidays, not the order form."),
        review_id=REVIEW,
    ),
)

_METRICS: Final[tuple[PublishedEvent, ...]] = (
    metrics.KpiDefined(
        context=_context(_LEAD, day=6),
        key=KPI,
        name="Conversion",
        unit="%",
        direction="higher",
        owner=goals.Owner(kind="team", id="sales"),
        cadence="day",
        aggregation="mean",
        time_zone="Europe/Paris",
        definition=1,
    ),
    metrics.KpiRedefined(
        context=_context(_LEAD, day=40, reason="One late order no longer moves the whole day."),
        key=KPI,
        name="Conversion",
        unit="%",
        direction="higher",
        owner=goals.Owner(kind="team", id="sales"),
        cadence="week",
        aggregation="mean",
        time_zone="Europe/Paris",
        definition=2,
    ),
    metrics.KpiRetired(
        context=_context(_LEAD, day=71, reason="Conversion is now counted by hand."), key=KPI
    ),
    metrics.KpiMeasured(
        context=_context(_ROLLUPS, day=16),
        key=KPI,
        definition=1,
        period_start=datetime(2026, 1, 20, tzinfo=UTC),
        period_end=datetime(2026, 1, 21, tzinfo=UTC),
        value=6.2,
        readings=24,
        latest_value=6.4,
        latest_at=datetime(2026, 1, 20, 23, 0, tzinfo=UTC),
    ),
    metrics.KpiBreached(
        context=_context(_ROLLUPS, day=23),
        key=KPI,
        definition=1,
        period_start=datetime(2026, 1, 27, tzinfo=UTC),
        period_end=datetime(2026, 1, 28, tzinfo=UTC),
        value=4.1,
        status="red",
        threshold=4.5,
        since=datetime(2026, 1, 26, tzinfo=UTC),
    ),
    metrics.KpiRecovered(
        context=_context(_ROLLUPS, day=32),
        key=KPI,
        definition=1,
        period_start=datetime(2026, 2, 5, tzinfo=UTC),
        period_end=datetime(2026, 2, 6, tzinfo=UTC),
        value=6.1,
        status="red",
        threshold=4.5,
        since=datetime(2026, 2, 4, tzinfo=UTC),
    ),
    metrics.KpiWentStale(
        context=_context(_ROLLUPS, day=50),
        key=KPI,
        definition=1,
        period_start=datetime(2026, 2, 20, tzinfo=UTC),
        period_end=datetime(2026, 2, 21, tzinfo=UTC),
        value=6.3,
        since=datetime(2026, 2, 24, tzinfo=UTC),
    ),
)

EXAMPLES: Final[Mapping[type[PublishedEvent], PublishedEvent]] = {
    type(example): example for example in (*_GOALS, *_REVIEWS, *_METRICS)
}
