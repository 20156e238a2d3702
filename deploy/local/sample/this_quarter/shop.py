"""For the current quarter: a shop that is quick, always there, and speaks many languages."""

from typing import Final

from deploy.local.sample.measures import Band, Change, Checklist, Deed
from deploy.local.sample.owners import person, team
from deploy.local.sample.plans import Comment, KeyResultPlan, ObjectivePlan, ParentPlan

HOMEPAGE: Final = ObjectivePlan(
    slug="homepage",
    title="Improve the homepage",
    owner=team("web"),
    ambition="committed",
    labels=("shop",),
    comments=(Comment(text="The cache for pictures alone brought 200 ms.", on="latency"),),
    acknowledged=True,
    parents=(ParentPlan(objective="engagement"),),
    key_results=(
        KeyResultPlan(
            slug="uptime",
            title="Uptime of 99.99%",
            measure=Band(lower=99.99, room=0.008, decimals=3),
            unit="%",
            reached=0.9,
        ),
        KeyResultPlan(
            slug="latency",
            title="Latency down to 1,000 ms",
            measure=Change(1_800, 1_000),
            unit="ms",
            reached=1.05,
        ),
        KeyResultPlan(
            slug="languages",
            title="Available in three languages",
            # Weighted by how many texts were there already.
            measure=Checklist({"English": 1, "French": 2, "Polish": 2}),
            reached=1.2,
        ),
        KeyResultPlan(
            slug="responsive",
            title="Responsive design",
            measure=Deed(),
            reached=2.2,
        ),
    ),
)

TRANSLATION: Final = ObjectivePlan(
    slug="translation",
    title="Translate the homepage",
    owner=person(1),
    ambition="committed",
    labels=("shop", "languages"),
    parents=(ParentPlan(objective="homepage", key_result="languages", kind="supports"),),
    key_results=(
        KeyResultPlan(
            slug="texts",
            title="Texts translated",
            measure=Change(0, 900),
            unit="texts",
            reached=1.05,
        ),
        KeyResultPlan(
            slug="reviewed",
            title="Languages reviewed by native speakers",
            measure=Checklist({"English": 1, "French": 1, "Polish": 1}),
            reached=1.25,
        ),
    ),
)

SEARCH_SPEED: Final = ObjectivePlan(
    slug="search-speed",
    title="Improve search results page speed",
    owner=team("search"),
    ambition="committed",
    labels=("shop", "search"),
    delegates=(person(4), person(7)),
    parents=(
        ParentPlan(objective="engagement"),
        ParentPlan(objective="homepage", kind="supports"),
    ),
    key_results=(
        KeyResultPlan(
            slug="load-time",
            title="Load time down by 0.2 s",
            measure=Change(1.2, 1.0, stretch=0.8, decimals=2),
            unit="s",
            reached=1.2,
        ),
        KeyResultPlan(
            slug="satisfaction",
            title="Satisfaction with search up by 10%",
            measure=Change(70, 77, decimals=1),
            unit="%",
            reached=0.75,
        ),
    ),
)

SEARCH_CACHE: Final = ObjectivePlan(
    slug="search-cache",
    title="Answer repeated searches from a cache",
    owner=person(4),
    ambition="aspirational",
    labels=("search",),
    parents=(ParentPlan(objective="search-speed"),),
    key_results=(
        KeyResultPlan(
            slug="hits",
            title="Searches answered from the cache",
            measure=Change(20, 60),
            unit="%",
            reached=0.95,
        ),
        KeyResultPlan(
            slug="slow-queries",
            title="Queries slower than a second",
            measure=Change(45, 10),
            unit="an hour",
            reached=0.65,
        ),
    ),
)

OBJECTIVES: Final = (HOMEPAGE, TRANSLATION, SEARCH_SPEED, SEARCH_CACHE)
