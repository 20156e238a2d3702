"""What the sample company wants in the current quarter."""

from datetime import timedelta
from typing import Final

from deploy.local.sample.owners import COMPANY, person, team
from deploy.local.sample.plans import Follow, KeyResultPlan, ObjectivePlan, ParentPlan

TWELVE_WEEKS: Final = timedelta(weeks=12)
THREE_YEARS: Final = timedelta(days=3 * 365)

MARKET_SHARE: Final = ObjectivePlan(
    slug="market-share",
    title="Significantly increase our market share and user satisfaction in the next quarter",
    description="More people find us, more of them stay, and they tell their friends.",
    owner=COMPANY,
    ambition="aspirational",
    key_results=(
        KeyResultPlan(
            slug="active-users",
            title="Monthly active users up by 25%",
            baseline=120_000,
            target=150_000,
            stretch=160_000,
            unit="users",
            reached=0.78,
        ),
        KeyResultPlan(
            slug="requested-features",
            title="Two of the most requested features shipped",
            baseline=0,
            target=2,
            unit="features",
        ),
        KeyResultPlan(
            slug="satisfaction",
            title="Customer satisfaction of 90%",
            baseline=78,
            target=90,
            unit="%",
            reached=0.7,
            decimals=1,
        ),
        KeyResultPlan(
            slug="churn",
            title="Churn down by 15%",
            baseline=4.0,
            target=3.4,
            unit="%",
            follow=Follow(kpi="customers.churn"),
        ),
        KeyResultPlan(
            slug="new-markets",
            title="Two new markets entered",
            baseline=0,
            target=2,
            unit="markets",
            reached=0.5,
            weight=2,
        ),
    ),
)

REVENUE: Final = ObjectivePlan(
    slug="revenue",
    title="Increase sales revenue by 20%",
    owner=COMPANY,
    ambition="aspirational",
    key_results=(
        KeyResultPlan(
            slug="leads",
            title="Leads up by 40%",
            baseline=5_000,
            target=7_000,
            unit="leads",
        ),
        KeyResultPlan(
            slug="conversion",
            title="Conversion from 5% to 8%",
            baseline=5.0,
            target=8.0,
            unit="%",
            follow=Follow(kpi="sales.conversion", reading="period"),
        ),
        KeyResultPlan(
            slug="average-purchase",
            title="Average purchase up by 10%",
            baseline=60,
            target=66,
            unit="EUR",
            follow=Follow(kpi="sales.average_order_value", reading="period"),
        ),
    ),
)

CARBON: Final = ObjectivePlan(
    slug="carbon",
    title="Cut the carbon footprint by 10% in a year",
    description="The fleet takes longer than the year: its key result outlives this objective.",
    owner=COMPANY,
    ambition="committed",
    key_results=(
        KeyResultPlan(
            slug="renewable-energy",
            title="Half of our energy from renewable sources",
            baseline=31,
            target=50,
            unit="%",
            reached=0.8,
            decimals=1,
        ),
        KeyResultPlan(
            slug="recycling",
            title="Recycling in all offices",
            baseline=0,
            target=4,
            unit="offices",
        ),
        KeyResultPlan(
            slug="public-transport",
            title="Public transport to work up by 25%",
            baseline=160,
            target=200,
            unit="commuters",
            reached=0.95,
        ),
        KeyResultPlan(
            slug="electric-fleet",
            title="An all-electric fleet within three years",
            baseline=0,
            target=100,
            unit="%",
            reached=0.12,
            due_after=THREE_YEARS,
            weight=0.5,
        ),
    ),
)

ENGAGEMENT: Final = ObjectivePlan(
    slug="engagement",
    title="Increase user engagement by 30%",
    owner=team("growth"),
    ambition="aspirational",
    parents=(ParentPlan(objective="market-share", weight=2),),
    key_results=(
        KeyResultPlan(
            slug="daily-users",
            title="Daily active users up by 25%",
            baseline=40_000,
            target=50_000,
            unit="users",
            reached=0.84,
        ),
        KeyResultPlan(
            slug="session-duration",
            title="Session duration up by 20%",
            baseline=240,
            target=288,
            unit="s",
            follow=Follow(kpi="web.session_duration", reading="period"),
        ),
        KeyResultPlan(
            slug="bounce-rate",
            title="Bounce rate down by 15% over 12 weeks",
            baseline=48,
            target=40.8,
            unit="%",
            reached=0.6,
            decimals=1,
            due_after=TWELVE_WEEKS,
        ),
    ),
)

BUG_RATE: Final = ObjectivePlan(
    slug="bug-rate",
    title="Halve the bug rate",
    owner=team("quality"),
    ambition="committed",
    parents=(ParentPlan(objective="market-share"),),
    key_results=(
        KeyResultPlan(
            slug="coverage",
            title="Test coverage from 70% to 90%",
            baseline=70,
            target=90,
            unit="%",
            reached=0.97,
            decimals=1,
        ),
        KeyResultPlan(
            slug="production-bugs",
            title="Half as many bugs discovered in production",
            baseline=24,
            target=12,
            unit="bugs a week",
            follow=Follow(kpi="quality.production_bugs"),
        ),
        KeyResultPlan(
            slug="satisfaction",
            title="User satisfaction up by 30%",
            baseline=3.0,
            target=3.9,
            unit="points of 5",
            reached=0.65,
            decimals=2,
        ),
    ),
)

HOMEPAGE: Final = ObjectivePlan(
    slug="homepage",
    title="Improve the homepage",
    owner=team("web"),
    ambition="committed",
    parents=(ParentPlan(objective="engagement"),),
    key_results=(
        KeyResultPlan(
            slug="uptime",
            title="Uptime of 99.99%",
            baseline=99.90,
            target=99.99,
            unit="%",
            reached=1.0,
            decimals=3,
        ),
        KeyResultPlan(
            slug="latency",
            title="Latency down to 1,000 ms",
            baseline=1_800,
            target=1_000,
            unit="ms",
            reached=0.9,
        ),
        KeyResultPlan(
            slug="languages",
            title="Available in three languages",
            baseline=0,
            target=3,
            unit="languages",
        ),
        KeyResultPlan(
            slug="responsive",
            title="Responsive design",
            baseline=0,
            target=1,
            unit="done",
            reached=1.0,
        ),
    ),
)

SEARCH_SPEED: Final = ObjectivePlan(
    slug="search-speed",
    title="Improve search results page speed",
    owner=team("search"),
    ambition="committed",
    parents=(
        ParentPlan(objective="engagement"),
        ParentPlan(objective="homepage", kind="supports"),
    ),
    key_results=(
        KeyResultPlan(
            slug="load-time",
            title="Load time down by 0.2 s",
            baseline=1.2,
            target=1.0,
            stretch=0.8,
            unit="s",
            reached=1.2,
            decimals=2,
        ),
        KeyResultPlan(
            slug="satisfaction",
            title="Satisfaction with search up by 10%",
            baseline=70,
            target=77,
            unit="%",
            reached=0.75,
            decimals=1,
        ),
    ),
)

LEADS: Final = ObjectivePlan(
    slug="lead-sources",
    title="Open new sources of leads",
    owner=team("marketing"),
    ambition="committed",
    parents=(ParentPlan(objective="revenue", key_result="leads"),),
    key_results=(
        KeyResultPlan(
            slug="partner-leads",
            title="Leads from partner shops",
            baseline=1_500,
            target=2_300,
            unit="leads",
            reached=0.55,
        ),
        KeyResultPlan(
            slug="campaign-leads",
            title="Leads from campaigns",
            baseline=3_500,
            target=4_700,
            unit="leads",
            reached=0.9,
        ),
    ),
)

CHECKOUT: Final = ObjectivePlan(
    slug="checkout",
    title="Make the checkout effortless",
    owner=team("sales"),
    ambition="committed",
    parents=(ParentPlan(objective="revenue", weight=0.5),),
    key_results=(
        KeyResultPlan(
            slug="abandoned-carts",
            title="Fewer abandoned carts",
            baseline=68,
            target=60,
            unit="%",
            reached=0.45,
            decimals=1,
        ),
        KeyResultPlan(
            slug="duration",
            title="Checkout within a minute",
            baseline=95,
            target=60,
            unit="s",
            reached=0.7,
        ),
    ),
)

RECYCLING: Final = ObjectivePlan(
    slug="recycling",
    title="Separate the waste in every office",
    owner=team("facilities"),
    ambition="committed",
    parents=(ParentPlan(objective="carbon", key_result="recycling"),),
    key_results=(
        KeyResultPlan(
            slug="offices",
            title="Offices with containers for every kind of waste",
            baseline=0,
            target=4,
            unit="offices",
            reached=1.0,
        ),
        KeyResultPlan(
            slug="separated",
            title="Share of the waste that is separated",
            baseline=35,
            target=80,
            unit="%",
            reached=0.6,
        ),
    ),
)

TRANSLATION: Final = ObjectivePlan(
    slug="translation",
    title="Translate the homepage",
    owner=person(1),
    ambition="committed",
    parents=(ParentPlan(objective="homepage", key_result="languages"),),
    key_results=(
        KeyResultPlan(
            slug="texts",
            title="Texts translated",
            baseline=0,
            target=900,
            unit="texts",
            reached=0.95,
        ),
        KeyResultPlan(
            slug="reviewed",
            title="Languages reviewed by native speakers",
            baseline=0,
            target=3,
            unit="languages",
            reached=0.67,
        ),
    ),
)

WISH_LIST: Final = ObjectivePlan(
    slug="wish-list",
    title="Ship the wish list and the size adviser",
    owner=person(2),
    ambition="committed",
    parents=(ParentPlan(objective="market-share", key_result="requested-features"),),
    key_results=(
        KeyResultPlan(
            slug="stories",
            title="Stories done",
            baseline=0,
            target=18,
            unit="stories",
            reached=0.85,
        ),
        KeyResultPlan(
            slug="users",
            title="Users who tried one of them",
            baseline=0,
            target=2_000,
            unit="users",
            reached=0.5,
        ),
    ),
)

PAYMENT_TESTS: Final = ObjectivePlan(
    slug="payment-tests",
    title="Cover the payment code with tests",
    owner=person(3),
    ambition="committed",
    parents=(ParentPlan(objective="bug-rate"),),
    key_results=(
        KeyResultPlan(
            slug="coverage",
            title="Coverage of the payment code",
            baseline=55,
            target=90,
            unit="%",
            reached=1.0,
            decimals=1,
        ),
        KeyResultPlan(
            slug="flaky-tests",
            title="Tests that fail now and then",
            baseline=14,
            target=2,
            unit="tests",
            reached=0.75,
        ),
    ),
)

SEARCH_CACHE: Final = ObjectivePlan(
    slug="search-cache",
    title="Answer repeated searches from a cache",
    owner=person(4),
    ambition="aspirational",
    parents=(ParentPlan(objective="search-speed"),),
    key_results=(
        KeyResultPlan(
            slug="hits",
            title="Searches answered from the cache",
            baseline=20,
            target=60,
            unit="%",
            reached=0.8,
        ),
        KeyResultPlan(
            slug="slow-queries",
            title="Queries slower than a second",
            baseline=45,
            target=10,
            unit="an hour",
            reached=0.65,
        ),
    ),
)

PARTNER_SHOPS: Final = ObjectivePlan(
    slug="partner-shops",
    title="Win ten partner shops",
    owner=person(5),
    ambition="aspirational",
    parents=(ParentPlan(objective="lead-sources"),),
    key_results=(
        KeyResultPlan(
            slug="shops",
            title="Partner shops under contract",
            baseline=0,
            target=10,
            unit="shops",
            reached=0.4,
        ),
        KeyResultPlan(
            slug="first-orders",
            title="Partner shops that ordered",
            baseline=0,
            target=10,
            unit="shops",
            reached=0.3,
        ),
    ),
)

LODGE_GUESTS: Final = ObjectivePlan(
    slug="lodge-guests",
    title="Learn from the guests of our lodges what they miss in the shop",
    owner=person(6),
    ambition="aspirational",
    parents=(ParentPlan(objective="market-share", kind="supports"),),
    key_results=(
        KeyResultPlan(
            slug="talks",
            title="Talks with guests",
            baseline=0,
            target=30,
            unit="talks",
        ),
    ),
    started=False,
)

OBJECTIVES: Final = (
    MARKET_SHARE,
    REVENUE,
    CARBON,
    ENGAGEMENT,
    BUG_RATE,
    HOMEPAGE,
    SEARCH_SPEED,
    LEADS,
    CHECKOUT,
    RECYCLING,
    TRANSLATION,
    WISH_LIST,
    PAYMENT_TESTS,
    SEARCH_CACHE,
    PARTNER_SHOPS,
    LODGE_GUESTS,
)
