"""What the sample company wants in the current year; the quarters' objectives stand below it."""

from datetime import timedelta
from typing import Final

from deploy.local.sample.measures import Band, Change, Phase
from deploy.local.sample.owners import COMPANY, team
from deploy.local.sample.plans import Comment, Follow, KeyResultPlan, ObjectivePlan

THREE_YEARS: Final = timedelta(days=3 * 365)

CARBON: Final = ObjectivePlan(
    slug="carbon",
    title="Cut the carbon footprint by 10% in a year",
    description="The fleet takes longer than the year: its key result outlives this objective.",
    owner=COMPANY,
    ambition="committed",
    labels=("sustainability",),
    delegates=(team("facilities"),),
    acknowledged=True,
    comments=(
        Comment(text="Does the electricity of the lodges count as well?", on="renewable-energy"),
        Comment(
            text="It does, since spring: they buy from the same supplier as we do.", answers=True
        ),
    ),
    key_results=(
        KeyResultPlan(
            slug="renewable-energy",
            title="Half of our energy from renewable sources",
            measure=Change(31, 50, decimals=1),
            unit="%",
            reached=0.9,
        ),
        KeyResultPlan(
            slug="recycling",
            title="Recycling in all offices",
            measure=Change(0, 4),
            unit="offices",
        ),
        KeyResultPlan(
            slug="public-transport",
            title="Public transport to work up by 25%",
            measure=Change(160, 200),
            unit="commuters",
            reached=0.95,
        ),
        KeyResultPlan(
            slug="electric-fleet",
            title="An all-electric fleet within three years",
            # Leased vans leave the fleet when their contracts end, most of them late.
            measure=Change(
                0,
                100,
                phases=(
                    Phase(timedelta(days=365), 15),
                    Phase(timedelta(days=2 * 365), 55),
                ),
            ),
            unit="%",
            reached=0.14,
            due_after=THREE_YEARS,
            weight=0.5,
        ),
    ),
)

LASTING_GROWTH: Final = ObjectivePlan(
    slug="lasting-growth",
    title="Grow with customers who stay",
    description="Not more at any price: who finds us shall come back, and we shall earn by it.",
    owner=COMPANY,
    ambition="aspirational",
    labels=("growth", "customers"),
    acknowledged=True,
    key_results=(
        KeyResultPlan(
            slug="margin",
            title="Net profit margin of at least 7%",
            measure=Band(lower=7.0),
            unit="%",
            follow=Follow(kpi="finance.net_profit_margin"),
        ),
        KeyResultPlan(
            slug="lifetime-value",
            title="Customer lifetime value up to 340 EUR",
            measure=Change(285, 340),
            unit="EUR",
            follow=Follow(kpi="customers.lifetime_value"),
        ),
        KeyResultPlan(
            slug="retention",
            title="Nine of ten customers of last year buy again",
            measure=Change(78, 90, stretch=92),
            unit="%",
            follow=Follow(kpi="customers.retention"),
        ),
    ),
)

OBJECTIVES: Final = (CARBON, LASTING_GROWTH)
