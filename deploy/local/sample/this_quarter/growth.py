"""For the current quarter: more users, who come back more often."""

from datetime import timedelta
from typing import Final

from deploy.local.sample.measures import Change, Checklist, Phase
from deploy.local.sample.owners import COMPANY, person, team
from deploy.local.sample.plans import Comment, Follow, KeyResultPlan, ObjectivePlan, ParentPlan

TWELVE_WEEKS: Final = timedelta(weeks=12)

MARKET_SHARE: Final = ObjectivePlan(
    slug="market-share",
    title="Significantly increase our market share and user satisfaction in the next quarter",
    description="More people find us, more of them stay, and they tell their friends.",
    owner=COMPANY,
    ambition="aspirational",
    labels=("growth", "customers"),
    delegates=(team("growth"),),
    parents=(ParentPlan(objective="lasting-growth"),),
    comments=(
        Comment(text="Which of the two markets do we mean to enter first?", on="new-markets"),
        Comment(text="The nearer one. The other follows in the last month.", answers=True),
    ),
    acknowledged=True,
    key_results=(
        KeyResultPlan(
            slug="active-users",
            title="Monthly active users up by 25%",
            measure=Change(120_000, 150_000, stretch=160_000),
            unit="users",
            reached=0.92,
        ),
        KeyResultPlan(
            slug="requested-features",
            title="Two of the most requested features shipped",
            measure=Checklist({"Wish list": 2, "Size adviser": 3}),
            reached=0.75,
        ),
        KeyResultPlan(
            slug="satisfaction",
            title="Customer satisfaction of 90%",
            measure=Change(78, 90, decimals=1),
            unit="%",
            reached=0.85,
        ),
        KeyResultPlan(
            slug="churn",
            title="Churn down by 15%",
            measure=Change(4.0, 3.4),
            unit="%",
            follow=Follow(kpi="customers.churn"),
        ),
        KeyResultPlan(
            slug="new-markets",
            title="Two new markets entered",
            measure=Checklist({"Denmark": 1, "Czechia": 1}),
            reached=0.95,
            weight=2,
        ),
    ),
)

ENGAGEMENT: Final = ObjectivePlan(
    slug="engagement",
    title="Increase user engagement by 30%",
    owner=team("growth"),
    ambition="aspirational",
    labels=("growth",),
    delegates=(person(5),),
    parents=(ParentPlan(objective="market-share", weight=2),),
    key_results=(
        KeyResultPlan(
            slug="daily-users",
            title="Daily active users up by 25%",
            measure=Change(40_000, 50_000),
            unit="users",
            reached=1.05,
        ),
        KeyResultPlan(
            slug="session-duration",
            title="Session duration up by 20%",
            measure=Change(240, 288),
            unit="s",
            follow=Follow(kpi="web.session_duration", reading="period"),
        ),
        KeyResultPlan(
            slug="bounce-rate",
            title="Bounce rate down by 15% over 12 weeks",
            # What is changed on the pages shows late: little is expected of the first weeks.
            measure=Change(
                48,
                40.8,
                decimals=1,
                phases=(Phase(timedelta(weeks=4), 47), Phase(timedelta(weeks=8), 44.5)),
            ),
            unit="%",
            reached=0.6,
            due_after=TWELVE_WEEKS,
        ),
    ),
)

WISH_LIST: Final = ObjectivePlan(
    slug="wish-list",
    title="Ship the wish list and the size adviser",
    owner=person(2),
    ambition="committed",
    labels=("customers",),
    # The key result has its own milestones, so the work on them is shown there and not counted.
    parents=(
        ParentPlan(objective="market-share", key_result="requested-features", kind="supports"),
    ),
    key_results=(
        KeyResultPlan(
            slug="stories",
            title="Stories done",
            measure=Change(0, 18),
            unit="stories",
            reached=0.95,
        ),
        KeyResultPlan(
            slug="users",
            title="Users who tried one of them",
            measure=Change(0, 2_000),
            unit="users",
            reached=0.7,
        ),
    ),
)

LODGE_GUESTS: Final = ObjectivePlan(
    slug="lodge-guests",
    title="Learn from the guests of our lodges what they miss in the shop",
    owner=person(6),
    ambition="aspirational",
    labels=("customers",),
    parents=(ParentPlan(objective="market-share", kind="supports"),),
    key_results=(
        KeyResultPlan(
            slug="talks",
            title="Talks with guests",
            measure=Change(0, 30),
            unit="talks",
        ),
    ),
    stage="draft",
)

OBJECTIVES: Final = (MARKET_SHARE, ENGAGEMENT, WISH_LIST, LODGE_GUESTS)
