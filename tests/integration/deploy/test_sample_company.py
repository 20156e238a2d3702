"""The sample company in real services: all of it, and the same however often it is loaded."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.sample import last_quarter, this_quarter
from deploy.local.sample.check_ins import check_ins
from deploy.local.sample.history import history
from deploy.local.sample.kpis import KPIS
from deploy.local.sample.plans import ObjectivePlan
from deploy.local.sample.quarters import Quarter
from deploy.local.sample_company import load
from deploy.local.waiting import wait_until
from tests.integration.deploy.conftest import Services

NOW = datetime(2025, 2, 20, 15, 30, tzinfo=UTC)
DAY_BEFORE = NOW - timedelta(days=1)
QUARTER = Quarter(2025, 1)
MEASURED_SECONDS = 20.0
PLANS = (*this_quarter.OBJECTIVES, *last_quarter.OBJECTIVES)

Json = dict[str, Any]


class Company:
    """What the services show of the sample company."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def items(self, service: str, path: str, **parameters: str) -> list[Json]:
        """All pages of a list."""
        found: list[Json] = []
        with self._services.client(service) as client:
            wanted: dict[str, str] = {**parameters, "limit": "200"}
            while True:
                page = client.get(path, params=wanted).raise_for_status().json()
                found += page["items"]
                if page["next"] is None:
                    return found
                wanted["cursor"] = page["next"]

    def cycles(self) -> dict[str, str]:
        """The state of every cycle, by name."""
        return {each["name"]: each["state"] for each in self.items("goals", "/v1/cycles")}

    def objectives(self) -> dict[str, Json]:
        """Every objective, by title."""
        listed = self.items("goals", "/v1/objectives")
        with self._services.client("goals") as client:
            found = [client.get(f"/v1/objectives/{each['id']}").json() for each in listed]
        assert len({each["title"] for each in found}) == len(found)
        return {each["title"]: each for each in found}

    def check_ins(self) -> Counter[str]:
        """How many there are of every objective, by title."""
        return Counter(
            {
                title: sum(
                    entry["topic"] == "goals.key_result.checked_in"
                    for entry in self.items("goals", f"/v1/objectives/{each['id']}/history")
                )
                for title, each in self.objectives().items()
            }
        )

    def readings(self) -> dict[str, int]:
        """How many there are of every KPI, by key."""
        keys = [each["key"] for each in self.items("metrics", "/v1/kpis")]
        return {key: len(self.items("metrics", f"/v1/kpis/{key}/readings")) for key in keys}

    def settled(self) -> Json:
        """All that must not change when the company is loaded once more.

        Measurements come in beside it, so the versions of objectives are none of it.
        """
        objectives = self.items("goals", "/v1/objectives")
        return {
            "cycles": self.items("goals", "/v1/cycles"),
            "objectives": [(each["id"], each["title"], each["state"]) for each in objectives],
            "check_ins": self.check_ins(),
            "kpis": self.items("metrics", "/v1/kpis"),
            "readings": self.readings(),
        }


async def load_into(services: Services, now: datetime, said: list[str] | None = None) -> None:
    said = [] if said is None else said
    urls = services.urls
    await load(
        urls["goals"], urls["metrics"], urls["projections"], services.tokens, said.append, now=now
    )


def expected_check_ins() -> Counter[str]:
    quarters = [(this_quarter.OBJECTIVES, QUARTER), (last_quarter.OBJECTIVES, QUARTER.previous())]
    return Counter(
        {
            plan.title: sum(len(check_ins(each, within, NOW)) for each in plan.key_results)
            for plans, within in quarters
            for plan in plans
        }
    )


def expected_readings() -> dict[str, int]:
    """Those of both loads; where they overlap, they say the same."""
    return {
        each.key: len({*history(each, QUARTER, NOW), *history(each, QUARTER, DAY_BEFORE)})
        for each in KPIS
    }


def wait_until_measured(company: Company) -> None:
    """Wait for the newest reading of every KPI that a key result takes the latest value of."""
    newest = {each.key: list(history(each, QUARTER, NOW))[-1].value for each in KPIS}

    def all_are() -> bool:
        linked = [
            each
            for objective in company.objectives().values()
            for each in objective["key_results"]
            if each["link"] is not None
        ]
        assert len(linked) == sum(len(followers(each)) for each in PLANS) > 0
        return all(
            each["source"] == "kpi"
            and (
                each["link"]["reading"] == "period" or each["value"] == newest[each["link"]["kpi"]]
            )
            for each in linked
        )

    assert wait_until(all_are, MEASURED_SECONDS)


def followers(plan: ObjectivePlan) -> list[str]:
    return [each.title for each in plan.key_results if each.follow is not None]


async def test_a_load_that_is_cut_off_is_completed_and_then_changes_nothing(
    services: Services,
) -> None:
    services.start("goals", "metrics", "projections")
    company = Company(services)

    # Cut off while check-ins are being said.
    loading = asyncio.create_task(load_into(services, DAY_BEFORE))
    while not any(each["state"] == "active" for each in company.items("goals", "/v1/objectives")):
        assert not loading.done()
        await asyncio.sleep(0.01)
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert "closed" not in company.cycles().values()

    await load_into(services, NOW)
    assert company.cycles() == {
        "2025 Q1 (sample company)": "active",
        "2024 Q4 (sample company)": "closed",
    }
    objectives = company.objectives()
    assert set(objectives) == {each.title for each in PLANS}
    for plan in PLANS:
        objective = objectives[plan.title]
        assert len(objective["alignments"]) == len(plan.parents)
        assert [each["title"] for each in objective["key_results"]] == [
            each.title for each in plan.key_results
        ]
    assert company.check_ins() == expected_check_ins()
    outcomes = [objectives[each.title]["outcome"] for each in last_quarter.OBJECTIVES]
    assert {each["verdict"] for each in outcomes} == {"achieved", "partial", "missed"}
    wait_until_measured(company)

    settled = company.settled()
    assert settled["readings"] == expected_readings()
    said: list[str] = []
    await load_into(services, NOW, said)
    assert said == ["The sample company is there."]
    assert company.settled() == settled


async def test_real_goals_are_not_mixed_with_samples(services: Services) -> None:
    services.start("goals", "metrics")
    company = Company(services)
    with services.client("goals") as client:
        client.post(
            "/v1/cycles",
            json={
                "name": "2026 Q1",
                "starts_on": "2026-01-01",
                "ends_on": "2026-03-31",
                "cadence": "quarter",
            },
        ).raise_for_status()
    said: list[str] = []
    await load_into(services, NOW, said)
    assert said == ["There are goals already: the sample company is left out."]
    assert company.cycles() == {"2026 Q1": "planned"}
    assert company.items("metrics", "/v1/kpis") == []
