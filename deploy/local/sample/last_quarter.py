"""What the sample company wanted in the quarter before, and how far it came."""

from typing import Final

from deploy.local.sample.measures import Change, Checklist
from deploy.local.sample.owners import COMPANY, person, team
from deploy.local.sample.plans import (
    Comment,
    KeyResultPlan,
    ObjectivePlan,
    Override,
    ParentPlan,
    Retrospective,
    Slip,
)

OBJECTIVES: Final = (
    ObjectivePlan(
        slug="recommended",
        title="Become the shop that customers recommend",
        owner=COMPANY,
        ambition="committed",
        labels=("customers",),
        retrospective=Retrospective(
            worked="One person answers for a parcel from the shelf to the door.",
            did_not_work="The survey by mail: only those who were angry answered.",
            carry_on="Ask a few customers by telephone, every week.",
        ),
        acknowledged=True,
        key_results=(
            KeyResultPlan(
                slug="recommendations",
                title="Customers who would recommend us",
                measure=Change(31, 40, decimals=1),
                unit="%",
                reached=1.0,
            ),
            KeyResultPlan(
                slug="returns",
                title="Return rate down to 7.5%",
                measure=Change(9.0, 7.5, decimals=2),
                unit="%",
                reached=1.05,
            ),
        ),
    ),
    ObjectivePlan(
        slug="delivery",
        title="Deliver on the promised day",
        owner=team("warehouse"),
        ambition="committed",
        labels=("delivery",),
        delegates=(person(8),),
        retrospective=Retrospective(
            worked="Packing in the order of the carriers' departures.",
            did_not_work="A second carrier: twice the work for every tenth parcel.",
            carry_on="Tell customers on the day before, not on the day.",
        ),
        comments=(
            Comment(text="Is that with or without the parcels of the strike?", on="claims"),
            Comment(text="With them. The score says what we think of it.", answers=True),
        ),
        parents=(ParentPlan(objective="recommended"),),
        key_results=(
            KeyResultPlan(
                slug="on-time",
                title="Deliveries on time",
                measure=Change(91, 96, decimals=1),
                unit="%",
                reached=0.85,
                slip=Slip(value=92.5, reason="Two digits were swapped."),
            ),
            KeyResultPlan(
                slug="claims",
                title="Claims for late parcels",
                measure=Change(60, 30),
                unit="claims a week",
                reached=0.55,
                override=Override(
                    score=0.75,
                    reason="A third of the claims came from the strike of the carrier.",
                ),
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
                measure=Change(50, 75, decimals=1),
                unit="%",
                reached=0.8,
            ),
            KeyResultPlan(
                slug="production-bugs",
                title="Fewer bugs discovered in production",
                measure=Change(33, 22),
                unit="bugs a week",
                reached=0.82,
                override=Override(
                    score=0.7,
                    reason="Two of those that were found were the same bug, reported by two shops.",
                ),
            ),
        ),
    ),
    ObjectivePlan(
        slug="support",
        title="Answer customers within a working day",
        owner=team("support"),
        ambition="committed",
        labels=("customers", "support"),
        delegates=(person(2),),
        retrospective=Retrospective(
            worked="Answers that are written once and used by all.",
            did_not_work="We counted by hand, and late: nobody saw the backlog grow.",
            carry_on="The aim. The new desk is there now, so we try it once more.",
        ),
        comments=(Comment(text="Let us carry this over: the aim is right, the tools were not."),),
        parents=(ParentPlan(objective="recommended"),),
        key_results=(
            KeyResultPlan(
                slug="resolution-time",
                title="Time until a question is resolved",
                measure=Change(38, 24, decimals=1),
                unit="h",
                reached=0.286,
            ),
            KeyResultPlan(
                slug="backlog",
                title="Open questions at the end of a day",
                measure=Change(400, 150),
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
                measure=Checklist(
                    {"Ordering": 2, "Paying": 2, "Sizes": 1, "Returns": 3, "Repairs": 2}
                ),
                reached=0.6,
            ),
            KeyResultPlan(
                slug="fruitless-searches",
                title="Searches of the help that find nothing",
                measure=Change(30, 15, decimals=1),
                unit="%",
                reached=0.4,
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
                measure=Change(4, 20),
                unit="checks",
                reached=1.0,
            ),
            KeyResultPlan(
                slug="duration",
                title="Time from merge to release",
                measure=Change(9, 2, decimals=1),
                unit="h",
                reached=1.0,
            ),
        ),
    ),
)
