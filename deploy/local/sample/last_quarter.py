"""What the sample company wanted in the quarter before, and how far it came."""

from typing import Final

from deploy.local.sample.owners import COMPANY, person, team
from deploy.local.sample.plans import KeyResultPlan, ObjectivePlan, ParentPlan

OBJECTIVES: Final = (
    ObjectivePlan(
        slug="recommended",
        title="Become the shop that customers recommend",
        owner=COMPANY,
        ambition="committed",
        key_results=(
            KeyResultPlan(
                slug="recommendations",
                title="Customers who would recommend us",
                baseline=31,
                target=40,
                unit="%",
                reached=1.0,
                decimals=1,
            ),
            KeyResultPlan(
                slug="returns",
                title="Return rate down to 7.5%",
                baseline=9.0,
                target=7.5,
                unit="%",
                reached=1.05,
                decimals=2,
            ),
        ),
    ),
    ObjectivePlan(
        slug="delivery",
        title="Deliver on the promised day",
        owner=team("warehouse"),
        ambition="committed",
        parents=(ParentPlan(objective="recommended"),),
        key_results=(
            KeyResultPlan(
                slug="on-time",
                title="Deliveries on time",
                baseline=91,
                target=96,
                unit="%",
                reached=0.85,
                decimals=1,
            ),
            KeyResultPlan(
                slug="claims",
                title="Claims for late parcels",
                baseline=60,
                target=30,
                unit="claims a week",
                reached=0.55,
            ),
        ),
    ),
    ObjectivePlan(
        slug="early-bugs",
        title="Find bugs before our customers do",
        owner=team("quality"),
        ambition="aspirational",
        parents=(ParentPlan(objective="recommended"),),
        key_results=(
            KeyResultPlan(
                slug="coverage",
                title="Test coverage from 50% to 75%",
                baseline=50,
                target=75,
                unit="%",
                reached=0.8,
                decimals=1,
            ),
            KeyResultPlan(
                slug="production-bugs",
                title="Fewer bugs discovered in production",
                baseline=33,
                target=22,
                unit="bugs a week",
                reached=0.82,
            ),
        ),
    ),
    ObjectivePlan(
        slug="support",
        title="Answer customers within a working day",
        owner=team("support"),
        ambition="committed",
        parents=(ParentPlan(objective="recommended"),),
        key_results=(
            KeyResultPlan(
                slug="resolution-time",
                title="Time until a question is resolved",
                baseline=38,
                target=24,
                unit="h",
                reached=0.28,
                decimals=1,
            ),
            KeyResultPlan(
                slug="backlog",
                title="Open questions at the end of a day",
                baseline=400,
                target=150,
                unit="questions",
                reached=0.35,
            ),
        ),
    ),
    ObjectivePlan(
        slug="help-pages",
        title="Rewrite the help pages",
        owner=person(2),
        ambition="committed",
        parents=(ParentPlan(objective="support"),),
        key_results=(
            KeyResultPlan(
                slug="pages",
                title="Pages rewritten",
                baseline=0,
                target=25,
                unit="pages",
                reached=0.6,
            ),
            KeyResultPlan(
                slug="fruitless-searches",
                title="Searches of the help that find nothing",
                baseline=30,
                target=15,
                unit="%",
                reached=0.4,
                decimals=1,
            ),
        ),
    ),
    ObjectivePlan(
        slug="release-checks",
        title="Automate what is checked before a release",
        owner=person(3),
        ambition="committed",
        parents=(ParentPlan(objective="early-bugs"),),
        key_results=(
            KeyResultPlan(
                slug="checks",
                title="Checks automated",
                baseline=4,
                target=20,
                unit="checks",
                reached=1.0,
            ),
            KeyResultPlan(
                slug="duration",
                title="Time from merge to release",
                baseline=9,
                target=2,
                unit="h",
                reached=1.0,
                decimals=1,
            ),
        ),
    ),
)
