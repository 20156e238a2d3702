"""For the current quarter: more who buy, and who buy more."""

from datetime import timedelta
from typing import Final

from deploy.local.sample.measures import Change, Checklist, Deed, Phase
from deploy.local.sample.owners import COMPANY, person, team
from deploy.local.sample.plans import Comment, Follow, KeyResultPlan, ObjectivePlan, ParentPlan

REVENUE: Final = ObjectivePlan(
    slug="revenue",
    title="Increase sales revenue by 20%",
    owner=COMPANY,
    ambition="aspirational",
    labels=("revenue",),
    delegates=(team("sales"), team("marketing")),
    parents=(ParentPlan(objective="lasting-growth"),),
    acknowledged=True,
    key_results=(
        KeyResultPlan(
            slug="leads",
            title="Leads up by 40%",
            measure=Change(5_000, 7_000),
            unit="leads",
        ),
        KeyResultPlan(
            slug="conversion",
            title="Conversion from 5% to 8%",
            measure=Change(5.0, 8.0),
            unit="%",
            follow=Follow(kpi="sales.conversion", reading="period"),
        ),
        KeyResultPlan(
            slug="average-purchase",
            title="Average purchase up by 10%",
            measure=Change(60, 66),
            unit="EUR",
            follow=Follow(kpi="sales.average_order_value", reading="period"),
        ),
    ),
)

LEADS: Final = ObjectivePlan(
    slug="lead-sources",
    title="Open new sources of leads",
    owner=team("marketing"),
    ambition="committed",
    labels=("revenue",),
    parents=(ParentPlan(objective="revenue", key_result="leads"),),
    key_results=(
        KeyResultPlan(
            slug="partner-leads",
            title="Leads from partner shops",
            measure=Change(1_500, 2_300),
            unit="leads",
            reached=0.65,
        ),
        KeyResultPlan(
            slug="campaign-leads",
            title="Leads from campaigns",
            measure=Change(3_500, 4_700),
            unit="leads",
            reached=1.1,
        ),
    ),
)

PARTNER_SHOPS: Final = ObjectivePlan(
    slug="partner-shops",
    title="Win ten partner shops",
    owner=person(5),
    ambition="aspirational",
    parents=(ParentPlan(objective="lead-sources"),),
    comments=(
        Comment(text="Shall we ask the two from the fair again?", on="shops"),
        Comment(text="Yes, with the new terms. I call them on Monday.", answers=True),
    ),
    key_results=(
        KeyResultPlan(
            slug="shops",
            title="Partner shops under contract",
            # Those who were asked take a month to decide.
            measure=Change(
                0,
                10,
                stretch=14,
                phases=(Phase(timedelta(weeks=5), 2), Phase(timedelta(weeks=9), 6)),
            ),
            unit="shops",
            reached=0.4,
        ),
        KeyResultPlan(
            slug="first-orders",
            title="Partner shops that ordered",
            measure=Change(0, 10),
            unit="shops",
            reached=0.3,
        ),
    ),
)

CHECKOUT: Final = ObjectivePlan(
    slug="checkout",
    title="Make the checkout effortless",
    owner=team("sales"),
    ambition="committed",
    labels=("revenue", "shop"),
    parents=(ParentPlan(objective="revenue", weight=0.5),),
    key_results=(
        KeyResultPlan(
            slug="abandoned-carts",
            title="Fewer abandoned carts",
            measure=Change(68, 60, decimals=1),
            unit="%",
            reached=0.6,
        ),
        KeyResultPlan(
            slug="duration",
            title="Checkout within a minute",
            measure=Change(95, 60),
            unit="s",
            reached=0.85,
        ),
    ),
)

CURRENCIES: Final = ObjectivePlan(
    slug="currencies",
    title="Sell in Danish and Czech money",
    owner=team("sales"),
    ambition="committed",
    labels=("revenue",),
    parents=(ParentPlan(objective="revenue"),),
    key_results=(
        KeyResultPlan(
            slug="prices",
            title="Prices shown in both currencies",
            measure=Deed(),
            reached=0.3,
        ),
        KeyResultPlan(
            slug="payments",
            title="Ways to pay that people there are used to",
            measure=Checklist({"Cards": 1, "Transfer": 1, "Invoice": 2}),
            reached=0.6,
        ),
    ),
    stage="postponed",
    reason="The bookkeeping learns foreign currencies next quarter; before that we cannot.",
    comments=(
        Comment(
            text="Then we take it up again in the first week of the next quarter.", answers=True
        ),
    ),
)

CATALOGUE: Final = ObjectivePlan(
    slug="catalogue",
    title="Win customers with a printed catalogue",
    owner=team("marketing"),
    ambition="aspirational",
    labels=("revenue",),
    parents=(ParentPlan(objective="lead-sources"),),
    key_results=(
        KeyResultPlan(
            slug="orders",
            title="Orders with the catalogue's code",
            measure=Change(0, 1_500),
            unit="orders",
            reached=0.12,
        ),
        KeyResultPlan(
            slug="cost",
            title="Cost of a customer won by it down to 35 EUR",
            measure=Change(80, 35),
            unit="EUR",
            reached=0.3,
        ),
    ),
    stage="abandoned",
    reason="A customer won by it costs twice as much as one won in any other way.",
)

OBJECTIVES: Final = (REVENUE, LEADS, PARTNER_SHOPS, CHECKOUT, CURRENCIES, CATALOGUE)
