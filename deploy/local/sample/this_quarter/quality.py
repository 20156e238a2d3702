"""For the current quarter: fewer bugs, and better help for those who meet one."""

from typing import Final

from deploy.local.sample.measures import Change
from deploy.local.sample.owners import person, team
from deploy.local.sample.plans import Comment, Follow, KeyResultPlan, ObjectivePlan, ParentPlan

BUG_RATE: Final = ObjectivePlan(
    slug="bug-rate",
    title="Halve the bug rate",
    owner=team("quality"),
    ambition="committed",
    labels=("quality",),
    parents=(ParentPlan(objective="market-share"),),
    key_results=(
        KeyResultPlan(
            slug="coverage",
            title="Test coverage from 70% to 90%",
            measure=Change(70, 90, decimals=1),
            unit="%",
            reached=0.97,
        ),
        KeyResultPlan(
            slug="production-bugs",
            title="Half as many bugs discovered in production",
            measure=Change(24, 12),
            unit="bugs a week",
            follow=Follow(kpi="quality.production_bugs"),
        ),
        KeyResultPlan(
            slug="satisfaction",
            title="User satisfaction up by 30%",
            measure=Change(3.0, 3.9, decimals=2),
            unit="points of 5",
            reached=0.85,
        ),
    ),
)

PAYMENT_TESTS: Final = ObjectivePlan(
    slug="payment-tests",
    title="Cover the payment code with tests",
    owner=person(3),
    ambition="committed",
    labels=("quality",),
    parents=(ParentPlan(objective="bug-rate"),),
    key_results=(
        KeyResultPlan(
            slug="coverage",
            title="Coverage of the payment code",
            measure=Change(55, 90, decimals=1),
            unit="%",
            reached=1.0,
        ),
        KeyResultPlan(
            slug="flaky-tests",
            title="Tests that fail now and then",
            measure=Change(14, 2),
            unit="tests",
            reached=1.0,
        ),
    ),
)

# It goes on from where the quarter before ended, and is now measured by what the desk counts.
SUPPORT_AGAIN: Final = ObjectivePlan(
    slug="support-again",
    title="Answer customers within a working day, at the second attempt",
    owner=team("support"),
    ambition="committed",
    predecessor="support",
    reason="The aim was right. What was missing were the tools, and they are there now.",
    labels=("customers", "support"),
    delegates=(person(2),),
    parents=(ParentPlan(objective="market-share"),),
    key_results=(
        KeyResultPlan(
            slug="resolution-time",
            title="Time until a question is resolved",
            measure=Change(34, 24, decimals=1),
            unit="h",
            follow=Follow(kpi="support.resolution_time", reading="period"),
        ),
        KeyResultPlan(
            slug="backlog",
            title="Open questions at the end of a day",
            measure=Change(312, 150),
            unit="questions",
            reached=0.9,
        ),
    ),
    comments=(Comment(text="The new desk counts this by itself, at last."),),
    acknowledged=True,
)

OBJECTIVES: Final = (BUG_RATE, PAYMENT_TESTS, SUPPORT_AGAIN)
