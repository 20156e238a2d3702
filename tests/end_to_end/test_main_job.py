"""The main job from end to end on the real stack: set, aligned, measured, shown, replayed.

The numbers are computed by hand in the comments beside them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.empty_stack import EmptyStack
from tests.end_to_end.company import Company, Resource, decrease, increase

SOURCE = "simulator"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
THIRD = pytest.approx(2 / 3)


def at(hour: int, kpi: str, value: float) -> dict[str, Any]:
    moment = YESTERDAY.replace(hour=hour)
    return {"kpi": kpi, "at": moment.isoformat(), "value": value, "source": SOURCE}


async def set_goals(company: Company, name: str) -> tuple[Resource, Resource, Resource]:
    """A company objective with two key results, and a team's that contributes to it."""
    cycle = await company.active_cycle(name)
    market = await company.draft(
        cycle,
        "Significantly increase our market share and user satisfaction",
        [
            increase("Monthly active users", 1000, 1250, weight=3),
            decrease("Churn", 20, 17, weight=1),
        ],
    )
    sales = await company.draft(
        cycle, "Increase sales revenue by 20%", [increase("Conversion", 5, 8)], team="team-sales"
    )
    sales = await company.change(
        sales, "align", {"objective_id": market.id, "kind": "contributes", "weight": 2}
    )
    market = await company.change(market, "activate", {})
    sales = await company.change(sales, "activate", {})
    return cycle, market, sales


async def work(company: Company, market: Resource, sales: Resource, kpi: str) -> Resource:
    """Two check-ins by hand; three readings over HTTP and NATS that a key result follows."""
    defined = await company.define_kpi(kpi, aggregation="mean")
    await company.command(
        f"/v1/objectives/{sales.id}/key-results/{sales.key_result()['id']}/link",
        {"kpi": kpi, "reading": "period"},
        of=sales,
        headers={"Cairn-Min-Position": defined.position},
    )
    for place, value in ((0, 1100), (1, 18.5)):
        path = f"/v1/objectives/{market.id}/key-results/{market.key_result(place)['id']}/check-ins"
        checked_in = await company.command(path, {"value": value, "confidence": 0.8}, of=market)
        market.etag = checked_in.etag
    answer = await company.send_readings([at(10, kpi, 6.0), at(11, kpi, 7.0)])
    assert answer["accepted"] + answer["duplicates"] == 2
    await company.publish_readings([at(12, kpi, 8.0)])
    # The mean of the day: (6 + 7 + 8) / 3 = 7.
    return await company.objective_with(sales, Conversion=7.0)


def node_of(tree: dict[str, Any], objective: Resource) -> dict[str, Any]:
    (found,) = (node for node in tree["nodes"] if node["id"] == objective.id)
    assert isinstance(found, dict)
    return found


async def assert_shown(
    company: Company, cycle: Resource, market: Resource, sales: Resource, position: str
) -> None:
    tree = await company.get("projections", "/v1/alignment-tree", position=position, cycle=cycle.id)
    top, below = node_of(tree, market), node_of(tree, sales)
    # Monthly active users (1100 - 1000) / 250 = 0.4, churn (18.5 - 20) / (17 - 20) = 0.5.
    assert [each["progress"] for each in top["key_results"]] == [pytest.approx(0.4), 0.5]
    # With weights 3 and 1: 1.7 / 4.
    assert top["own_progress"] == pytest.approx(0.425)
    # Conversion is 2 of 3 on its way from 5 to 8.
    assert below["progress"] == THIRD
    # The team's objective joins with weight 2: (1.7 + 1.3333) / 6.
    assert top["progress"] == pytest.approx(0.505555555)
    assert below["key_results"][0]["source"] == "kpi"
    assert below["parents"][0]["objective_id"] == market.id
    assert tree["roots"] == [market.id]
    assert top["children"] == [sales.id]
    # Fifty days of a hundred are over, and today has begun.
    assert 0.5 <= top["expected"] <= 0.51
    assert top["pace"] == pytest.approx(top["progress"] - top["expected"], abs=1e-6)


async def test_goals_follow_kpis_into_the_tree_and_the_dashboard(stack: EmptyStack) -> None:
    async with Company(stack) as company:
        cycle, market, sales = await set_goals(company, "Main job")
        before_work = datetime.now(UTC)
        sales = await work(company, market, sales, "sales.conversion")
        await assert_shown(company, cycle, market, sales, sales.position)
        await assert_dashboard(company, cycle, sales.position)
        await assert_past(company, cycle, market, sales, before_work)
        await assert_history(company, sales)
        await assert_closing(company, market)


async def assert_dashboard(company: Company, cycle: Resource, position: str) -> None:
    dashboard = await company.get(
        "projections", f"/v1/cycle-dashboards/{cycle.id}", position=position
    )
    # The mean of the two objectives: (0.505555 + 0.666666) / 2
    assert dashboard["progress"] == pytest.approx(0.586111111)
    # The mean of the two confidences given, both 0.8
    assert dashboard["confidence"] == pytest.approx(0.8)


async def assert_past(
    company: Company, cycle: Resource, market: Resource, sales: Resource, moment: datetime
) -> None:
    """As of before the work, nothing has a value, here and there."""
    as_of = moment.isoformat().replace("+00:00", "Z")
    tree = await company.get("projections", "/v1/alignment-tree", cycle=cycle.id, as_of=as_of)
    assert node_of(tree, market)["progress"] == 0
    assert [each["value"] for each in node_of(tree, market)["key_results"]] == [None, None]
    then = await company.get("goals", f"/v1/objectives/{sales.id}", as_of=as_of)
    assert then["key_results"][0]["value"] is None
    assert then["state"] == "active"
    first = await company.get("goals", f"/v1/objectives/{sales.id}", version="1")
    assert first["state"] == "draft"


async def assert_history(company: Company, sales: Resource) -> None:
    """Who, what, when, why, before and after; the measurement by an automated actor."""
    history = await company.get("goals", f"/v1/objectives/{sales.id}/history")
    entries = history["items"]
    assert [entry["version"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[0]["actor"] == {"id": "local-admin", "kind": "human"}
    last = entries[-1]
    assert last["topic"] == "goals.key_result.measured"
    assert last["actor"] == {"id": "cairn-goals-follower", "kind": "automation"}
    assert last["causation_id"] is not None
    assert 7.0 in [change["after"] for change in last["changes"]]
    assert [entry["recorded_at"] for entry in entries] == sorted(
        entry["recorded_at"] for entry in entries
    )


async def assert_closing(company: Company, market: Resource) -> None:
    """The score is the weighted mean of the key results: 0.425, which is partial."""
    now = await company.get("goals", f"/v1/objectives/{market.id}")
    market.etag = f'"{now["version"]}"'
    closed = await company.change(market, "close", {"reason": "The quarter is over."})
    assert closed.body["outcome"] == {"score": pytest.approx(0.425), "verdict": "partial"}
    assert [each["score"] for each in closed.body["key_results"]] == [pytest.approx(0.4), 0.5]
