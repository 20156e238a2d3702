"""Sets a quarter's goals through the goals service's public interface."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from deploy.local.sample.plans import ObjectivePlan
from deploy.local.sample.quarters import Quarter
from deploy.local.sample.service import Answer, Command, Service, StaleVersionError
from deploy.local.sample.steps import Document, Placed, Step, draft, steps_left

CYCLES: Final = "/v1/cycles"
OBJECTIVES: Final = "/v1/objectives"
# The sample company has far fewer cycles, and objectives in each.
PAGE_ITEMS: Final = 200
# By the end of its name a cycle of the sample company is told from all others.
MARK: Final = " (sample company)"
# How often an objective may be changed by others while it is brought to where it is planned.
MAX_ATTEMPTS: Final = 20


async def all_cycles(goals: Service) -> list[Document]:
    """The cycles that there are, oldest first."""
    answer = await goals.get(CYCLES, {"limit": PAGE_ITEMS})
    return list(answer.document["items"])


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterLoading:
    """A quarter's objectives on their way into the goals service.

    Everything that was said up to `until` is said; what is there already is left as it is.
    Its methods raise httpx.HTTPError.
    """

    goals: Service
    quarter: Quarter
    plans: Sequence[ObjectivePlan]
    until: datetime

    async def begin(self) -> str:
        """Have the quarter's cycle planned and active; return its id."""
        name = self.quarter.name + MARK
        ids = {each["name"]: str(each["id"]) for each in await all_cycles(self.goals)}
        cycle_id = ids.get(name) or await self._plan(name)
        cycle = await self.goals.get(f"{CYCLES}/{cycle_id}")
        if cycle.document["state"] == "planned":
            await self._move(CYCLES, cycle, "activate")
        return cycle_id

    async def pursue(self, cycle_id: str, kpis_position: str | None) -> int:
        """Bring every objective to where it is planned to be; return how many changes that took.

        Links wait until the goals service has heard of the KPIs defined at `kpis_position`.
        """
        placed = await self._place_all(cycle_id)
        changes = await asyncio.gather(
            *(self._pursue_one(plan, placed, kpis_position) for plan in self.plans)
        )
        return sum(changes)

    async def close(self, cycle_id: str) -> str | None:
        """Score every objective, then lock the cycle; return the position after it."""
        found = await self._objectives(cycle_id)
        await asyncio.gather(
            *(self._score(each["id"]) for each in found if each["state"] == "active")
        )
        cycle = await self.goals.get(f"{CYCLES}/{cycle_id}")
        if cycle.document["state"] == "active":
            cycle = await self._move(CYCLES, cycle, "start-scoring")
        return (await self._move(CYCLES, cycle, "close")).position

    async def _plan(self, name: str) -> str:
        body = {
            "name": name,
            "starts_on": self.quarter.starts_on.isoformat(),
            "ends_on": self.quarter.ends_on.isoformat(),
            "cadence": "quarter",
            "check_in_rhythm": "weekly",
        }
        planned = await self.goals.post(Command(path=CYCLES, body=body))
        return str(planned.document["id"])

    async def _place_all(self, cycle_id: str) -> dict[str, Placed]:
        """Draft the objectives that are not there; return by slug where all of them are."""
        ids = {each["title"]: str(each["id"]) for each in await self._objectives(cycle_id)}
        placed = await asyncio.gather(
            *(self._place(plan, cycle_id, ids.get(plan.title)) for plan in self.plans)
        )
        return {plan.slug: found for plan, found in zip(self.plans, placed, strict=True)}

    async def _place(self, plan: ObjectivePlan, cycle_id: str, known_id: str | None) -> Placed:
        if known_id is None:
            body = draft(plan, cycle_id, self.quarter)
            answer = await self.goals.post(Command(path=OBJECTIVES, body=body))
        else:
            answer = await self.goals.get(f"{OBJECTIVES}/{known_id}")
        return Placed.find(plan, answer.document)

    async def _pursue_one(
        self, plan: ObjectivePlan, placed: Mapping[str, Placed], kpis_position: str | None
    ) -> int:
        """Take the steps that are left, seen afresh whenever others changed the objective."""
        path = f"{OBJECTIVES}/{placed[plan.slug].id}"
        changes = 0
        for _ in range(MAX_ATTEMPTS):
            objective = await self.goals.get(path)
            steps = steps_left(plan, objective.document, placed, self.quarter, self.until)
            taken = await self._take(steps, path, objective.etag, kpis_position)
            changes += taken
            if taken == len(steps):
                return changes
        raise httpx.HTTPError(f"{path} was changed by others {MAX_ATTEMPTS} times")

    async def _take(
        self, steps: Sequence[Step], path: str, etag: str | None, kpis_position: str | None
    ) -> int:
        """Take one step after another; return how many were taken before others changed it."""
        for taken, step in enumerate(steps):
            command = Command(
                path=f"{path}/{step.path}",
                body=step.body,
                if_match=etag,
                min_position=kpis_position if step.needs_kpi else None,
            )
            try:
                etag = (await self.goals.post(command)).etag
            except StaleVersionError:
                return taken
        return len(steps)

    async def _score(self, objective_id: str) -> None:
        objective = await self.goals.get(f"{OBJECTIVES}/{objective_id}")
        await self._move(OBJECTIVES, objective, "close")

    async def _move(self, collection: str, found: Answer, verb: str) -> Answer:
        """Have a cycle or an objective take its next state."""
        path = f"{collection}/{found.document['id']}/{verb}"
        return await self.goals.post(Command(path=path, body={}, if_match=found.etag))

    async def _objectives(self, cycle_id: str) -> list[Document]:
        answer = await self.goals.get(OBJECTIVES, {"cycle": cycle_id, "limit": PAGE_ITEMS})
        return list(answer.document["items"])
