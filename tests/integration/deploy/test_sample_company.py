"""The sample company in real services: all of it, and the same however often it is loaded."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.sample import last_quarter, this_quarter, this_year
from deploy.local.sample.check_ins import check_ins
from deploy.local.sample.history import history
from deploy.local.sample.kpis import KPIS
from deploy.local.sample.periods import Period, Quarter, Year
from deploy.local.sample.plans import ObjectivePlan
from deploy.local.sample_company import load
from deploy.local.waiting import wait_until
from tests.integration.deploy.conftest import Services

NOW = datetime(2025, 2, 20, 15, 30, tzinfo=UTC)
DAY_BEFORE = NOW - timedelta(days=1)
QUARTER = Quarter(2025, 1)
MEASURED_SECONDS = 20.0
PERIODS: Sequence[tuple[Period, Sequence[ObjectivePlan]]] = (
    (QUARTER, this_quarter.OBJECTIVES),
    (QUARTER.previous(), last_quarter.OBJECTIVES),
    (Year(QUARTER.year), this_year.OBJECTIVES),
)
PLANS = [plan for _, plans in PERIODS for plan in plans]

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

    def feedback(self) -> dict[str, list[tuple[str, str]]]:
        """What was said to every objective, and by whom, by title."""
        return {
            title: [
                (each["by"]["id"], each["text"] or each["kind"])
                for each in self.items("goals", f"/v1/objectives/{found['id']}/comments")
            ]
            for title, found in self.objectives().items()
        }

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
            "feedback": self.feedback(),
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
    return Counter(
        {
            plan.title: sum(len(check_ins(each, period, NOW)) for each in plan.key_results)
            for period, plans in PERIODS
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


def expect_as_planned(plan: ObjectivePlan, objective: Json) -> None:
    closes = plan in last_quarter.OBJECTIVES
    assert objective["state"] == ("closed" if closes else plan.stage)
    assert objective["labels"] == list(plan.labels)
    assert objective["delegates"] == [each.model_dump() for each in plan.delegates]
    assert len(objective["alignments"]) == len(plan.parents)
    key_results = objective["key_results"]
    assert [(each["title"], each["type"]) for each in key_results] == [
        (each.title, each.measure.type) for each in plan.key_results
    ]


def expect_lessons(objectives: dict[str, Json]) -> None:
    found = [objectives[each.title] for each in last_quarter.OBJECTIVES]
    assert {each["outcome"]["verdict"] for each in found} == {"achieved", "partial", "missed"}
    assert [each["retrospective"] is not None for each in found] == [
        each.retrospective is not None for each in last_quarter.OBJECTIVES
    ]
    set_by_hand = [
        (each["score"], each["score_reason"])
        for objective in found
        for each in objective["key_results"]
        if each["score"] != each["computed_score"]
    ]
    assert set_by_hand == [
        (each.override.score, each.override.reason)
        for plan in last_quarter.OBJECTIVES
        for each in plan.key_results
        if each.override is not None
    ]


def expect_carried_over(objectives: dict[str, Json]) -> None:
    predecessor = objectives["Answer customers within a working day"]
    successor = objectives["Answer customers within a working day, at the second attempt"]
    assert predecessor["successor"]["objective_id"] == successor["id"]
    assert successor["predecessor_id"] == predecessor["id"]
    (plan,) = [each for each in this_quarter.OBJECTIVES if each.predecessor is not None]
    definitions = [each.definition(QUARTER) for each in plan.key_results]
    assert [(each["baseline"], each["target"]) for each in successor["key_results"]] == [
        (each["baseline"], each["target"]) for each in definitions
    ]


def expect_corrected(company: Company, objective: Json) -> None:
    """One check-in was put right, with a reason; nothing else was."""
    said = company.items("goals", f"/v1/objectives/{objective['id']}/check-ins")
    (corrected,) = [each for each in said if each["corrected"]]
    assert [each["value"] for each in corrected["corrected"]] == [92.5]
    assert corrected["stands"]["value"] == 95.2
    assert corrected["stands"]["reason"] == "Two digits were swapped."


def expect_feedback(company: Company) -> None:
    feedback = company.feedback()
    for plan in PLANS:
        said = [
            ("local-admin" if each.answers else "local-lead", each.text) for each in plan.comments
        ]
        if plan.acknowledged:
            said.append(("local-lead", "acknowledgement"))
        assert feedback[plan.title] == said


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
        "2025 (sample company)": "active",
    }
    objectives = company.objectives()
    assert set(objectives) == {each.title for each in PLANS}
    for plan in PLANS:
        expect_as_planned(plan, objectives[plan.title])
    assert company.check_ins() == expected_check_ins()
    expect_lessons(objectives)
    expect_carried_over(objectives)
    expect_corrected(company, objectives["Deliver on the promised day"])
    expect_feedback(company)
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
