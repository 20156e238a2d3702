"""Sets a cycle's goals through the goals service's public interface."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from deploy.local.sample.periods import Period
from deploy.local.sample.plans import ObjectivePlan
from deploy.local.sample.service import Answer, Command, Service, StaleVersionError
from deploy.local.sample.steps import (
    Document,
    Placed,
    Step,
    alignments_left,
    draft,
    scoring,
    steps_left,
)

CYCLES: Final = "/v1/cycles"
OBJECTIVES: Final = "/v1/objectives"
ALIGNMENTS: Final = "/v1/alignments"
# The sample company has far fewer cycles, and objectives in each.
PAGE_ITEMS: Final = 200
# By the end of its name a cycle of the sample company is told from all others.
MARK: Final = " (sample company)"
# How often an objective may be changed by others while it is brought to where it is planned, and
# how many rounds that takes at most.
MAX_ATTEMPTS: Final = 20


async def all_cycles(goals: Service) -> list[Document]:
    """The cycles that there are, oldest first."""
    answer = await goals.get(CYCLES, {"limit": PAGE_ITEMS})
    return list(answer.document["items"])


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleLoading:
    """A cycle's objectives on their way into the goals service.

    `goals` is asked as the company's administrator, `others` as somebody who comments. Everything
    that was said up to `until` is said; what is there already is left as it is. Its methods raise
    httpx.HTTPError.
    """

    goals: Service
    others: Service
    period: Period
    plans: Sequence[ObjectivePlan]
    until: datetime

    async def begin(self) -> str:
        """Have the cycle planned and active; return its id."""
        name = self.period.name + MARK
        ids = {each["name"]: str(each["id"]) for each in await all_cycles(self.goals)}
        cycle_id = ids.get(name) or await self._plan(name)
        cycle = await self.goals.get(f"{CYCLES}/{cycle_id}")
        if cycle.document["state"] == "planned":
            await self._move(cycle, "activate")
        return cycle_id

    async def place(self, cycle_id: str, placed: Mapping[str, Placed]) -> dict[str, Placed]:
        """Draft the objectives that are not there, and align all of them.

        `placed` has, by slug, what they stand below or go on from in other cycles; it is returned
        with these objectives.
        """
        ids = {each["title"]: str(each["id"]) for each in await self._objectives(cycle_id)}
        drafted = await asyncio.gather(
            *(self._place(plan, cycle_id, ids.get(plan.title), placed) for plan in self.plans)
        )
        everywhere = dict(placed) | {
            plan.slug: Placed.find(plan, each)
            for plan, each in zip(self.plans, drafted, strict=True)
        }
        left = [
            each
            for plan, objective in zip(self.plans, drafted, strict=True)
            for each in alignments_left(plan, objective, everywhere)
        ]
        if left:
            body = {"alignments": left, "reason": f"What {self.period.name} is to lead to."}
            await self.goals.post(Command(path=ALIGNMENTS, body=body))
        return everywhere

    async def pursue(self, placed: Mapping[str, Placed], kpis_position: str | None) -> int:
        """Bring every objective to where it is planned to be; return how many changes that took.

        Links wait until the goals service has heard of the KPIs defined at `kpis_position`.
        """
        changes = await asyncio.gather(
            *(self._pursue_one(plan, placed[plan.slug].id, kpis_position) for plan in self.plans)
        )
        return sum(changes)

    async def score(self, cycle_id: str) -> None:
        """Score every objective that is worked on."""
        plans = {plan.title: plan for plan in self.plans}
        found = await self._objectives(cycle_id)
        await asyncio.gather(
            *(
                self._score(plans[each["title"]], each["id"])
                for each in found
                if each["state"] == "active"
            )
        )

    async def close(self, cycle_id: str) -> str | None:
        """Lock the cycle; return the position after it."""
        cycle = await self.goals.get(f"{CYCLES}/{cycle_id}")
        if cycle.document["state"] == "active":
            cycle = await self._move(cycle, "start-scoring")
        return (await self._move(cycle, "close")).position

    async def _plan(self, name: str) -> str:
        body = {
            "name": name,
            "starts_on": self.period.starts_on.isoformat(),
            "ends_on": self.period.ends_on.isoformat(),
            "cadence": self.period.cadence,
            "check_in_rhythm": self.period.rhythm,
        }
        planned = await self.goals.post(Command(path=CYCLES, body=body))
        return str(planned.document["id"])

    async def _place(
        self,
        plan: ObjectivePlan,
        cycle_id: str,
        known_id: str | None,
        placed: Mapping[str, Placed],
    ) -> Document:
        """Return the objective as it stands, drafted or carried over if it is not there."""
        if known_id is not None:
            answer = await self.goals.get(f"{OBJECTIVES}/{known_id}")
        elif plan.predecessor is not None:
            answer = await self._carry_over(plan, cycle_id, placed[plan.predecessor].id)
        else:
            body = draft(plan, cycle_id, self.period)
            answer = await self.goals.post(Command(path=OBJECTIVES, body=body))
        found: Document = answer.document
        return found

    async def _carry_over(self, plan: ObjectivePlan, cycle_id: str, predecessor_id: str) -> Answer:
        path = f"{OBJECTIVES}/{predecessor_id}"
        predecessor = await self.goals.get(path)
        body = {"cycle_id": cycle_id, "title": plan.title, "reason": plan.reason}
        return await self.goals.post(
            Command(path=f"{path}/carry-over", body=body, if_match=predecessor.etag)
        )

    async def _pursue_one(
        self, plan: ObjectivePlan, objective_id: str, kpis_position: str | None
    ) -> int:
        """Take the steps that are left, seen afresh after each round of them."""
        path = f"{OBJECTIVES}/{objective_id}"
        changes = 0
        for _ in range(MAX_ATTEMPTS):
            objective = await self.goals.get(path)
            steps = steps_left(plan, objective.document, self.period, self.until)
            if not steps:
                return changes
            changes += await self._take(steps, path, objective.etag, kpis_position)
        raise httpx.HTTPError(f"{path} is not as planned after {MAX_ATTEMPTS} rounds")

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
            service = self.others if step.by_others else self.goals
            try:
                etag = (await service.post(command)).etag
            except StaleVersionError:
                return taken
        return len(steps)

    async def _score(self, plan: ObjectivePlan, objective_id: str) -> None:
        path = f"{OBJECTIVES}/{objective_id}"
        objective = await self.goals.get(path)
        body = scoring(plan, objective.document)
        await self.goals.post(Command(path=f"{path}/close", body=body, if_match=objective.etag))

    async def _move(self, cycle: Answer, verb: str) -> Answer:
        """Have a cycle take its next state."""
        path = f"{CYCLES}/{cycle.document['id']}/{verb}"
        return await self.goals.post(Command(path=path, body={}, if_match=cycle.etag))

    async def _objectives(self, cycle_id: str) -> list[Document]:
        answer = await self.goals.get(OBJECTIVES, {"cycle": cycle_id, "limit": PAGE_ITEMS})
        return list(answer.document["items"])
