"""For the current quarter: what the offices and the workshop do for the year's footprint."""

from typing import Final

from deploy.local.sample.measures import Change, Checklist, Deed
from deploy.local.sample.owners import team
from deploy.local.sample.plans import Comment, KeyResultPlan, ObjectivePlan, ParentPlan

RECYCLING: Final = ObjectivePlan(
    slug="recycling",
    title="Separate the waste in every office",
    owner=team("facilities"),
    ambition="committed",
    labels=("sustainability",),
    parents=(ParentPlan(objective="carbon", key_result="recycling"),),
    key_results=(
        KeyResultPlan(
            slug="offices",
            title="Offices with containers for every kind of waste",
            measure=Checklist({"Head office": 3, "Warehouse": 2, "Workshop": 1, "Lodges": 2}),
            reached=1.2,
        ),
        KeyResultPlan(
            slug="separated",
            title="Share of the waste that is separated",
            measure=Change(35, 80),
            unit="%",
            reached=0.9,
        ),
    ),
)

REPAIRS: Final = ObjectivePlan(
    slug="repairs",
    title="Mend what our customers bring back",
    owner=team("workshop"),
    ambition="aspirational",
    labels=("sustainability", "customers"),
    parents=(ParentPlan(objective="carbon"),),
    key_results=(
        KeyResultPlan(
            slug="mended",
            title="Jackets and tents mended instead of replaced",
            measure=Change(0, 400),
            unit="pieces",
        ),
        KeyResultPlan(
            slug="counter",
            title="A counter for repairs in the largest shop",
            measure=Deed(),
        ),
    ),
    stage="proposed",
    comments=(Comment(text="We would need one more sewing machine. Is that in the budget?"),),
)

OBJECTIVES: Final = (RECYCLING, REPAIRS)
