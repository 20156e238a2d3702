"""Loads the sample company through the public interfaces, once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from deploy.local.sample import last_quarter, this_quarter, this_year
from deploy.local.sample.goal_loading import MARK, CycleLoading, all_cycles
from deploy.local.sample.kpi_loading import define_kpis, tell_history
from deploy.local.sample.kpis import KPIS
from deploy.local.sample.periods import Period, Quarter, Year
from deploy.local.sample.plans import ObjectivePlan
from deploy.local.sample.service import Service
from deploy.local.sample.steps import Document

Report = Callable[[str], None]


class Loaded(NamedTuple):
    """The current quarter's cycle, and the position in the goals' log at which all is there."""

    cycle_id: str
    position: str | None


async def load(
    goals_url: str,
    metrics_url: str,
    projections_url: str,
    tokens: Mapping[str, str],
    report: Report,
    *,
    now: datetime | None = None,
) -> None:
    """Load what is missing of the sample company as of `now`, which is the present if not given.

    Nothing is done where the company is there already, nor where the goals service has other
    cycles: real goals are not mixed with samples. `tokens` has one for each role: `admin` sets the
    goals, `lead` comments on them.
    Raises httpx.HTTPError.
    """
    admin, lead = tokens["admin"], tokens["lead"]
    async with (
        Service(goals_url, admin) as goals,
        Service(goals_url, lead) as others,
        Service(metrics_url, admin) as metrics,
    ):
        cycles = await all_cycles(goals)
        ours = [each for each in cycles if each["name"].endswith(MARK)]
        if cycles and not ours:
            report("There are goals already: the sample company is left out.")
            return
        # The last step of a load is to lock the earlier quarter.
        if any(each["state"] == "closed" for each in ours):
            report("The sample company is there.")
            return
        until = now or datetime.now(UTC)
        company = _Company(goals, others, _quarter(ours, until), until)
        loaded = await company.load(metrics, report)
    async with Service(projections_url, admin) as projections:
        path = f"/v1/cycle-dashboards/{loaded.cycle_id}"
        await projections.get(path, min_position=loaded.position)


class _Company:
    """The company's three cycles on their way into the goals service."""

    def __init__(self, goals: Service, others: Service, quarter: Quarter, until: datetime) -> None:
        def cycle(period: Period, plans: Sequence[ObjectivePlan]) -> CycleLoading:
            return CycleLoading(goals=goals, others=others, period=period, plans=plans, until=until)

        self._quarter = quarter
        self._until = until
        self._year = cycle(Year(quarter.year), this_year.OBJECTIVES)
        self._last = cycle(quarter.previous(), last_quarter.OBJECTIVES)
        plans = this_quarter.OBJECTIVES
        self._this = cycle(quarter, [each for each in plans if each.predecessor is None])
        # What goes on from the last quarter waits for that quarter's scores.
        self._carried = cycle(quarter, [each for each in plans if each.predecessor is not None])

    async def load(self, metrics: Service, report: Report) -> Loaded:
        """Load everything that is missing."""
        # The current quarter comes first: by it a load that was cut off knows which one it began.
        this_id = await self._this.begin()
        last_id, year_id = await self._last.begin(), await self._year.begin()
        kpis_position = await define_kpis(metrics)
        report(f"KPIs {len(KPIS)}/{len(KPIS)}")
        report(f"readings {await tell_history(metrics, self._quarter, self._until):,}")
        changes = await self._load_goals(this_id, last_id, year_id, kpis_position)
        loadings = (self._year, self._last, self._this, self._carried)
        objectives = sum(len(each.plans) for each in loadings)
        report(f"objectives {objectives}, changes to them {changes:,}")
        position = await self._last.close(last_id)
        report(f"{self._quarter.previous().name} closed with scores")
        return Loaded(this_id, position)

    async def _load_goals(
        self, this_id: str, last_id: str, year_id: str, kpis_position: str
    ) -> int:
        """Bring all objectives to where they are planned to be; return how many changes it took."""
        year = await self._year.place(year_id, {})
        this = await self._this.place(this_id, year)
        last = await self._last.place(last_id, {})
        changes = await asyncio.gather(
            self._year.pursue(year, kpis_position),
            self._this.pursue(this, kpis_position),
            self._last.pursue(last, kpis_position),
        )
        await self._last.score(last_id)
        carried = await self._carried.place(this_id, {**this, **last})
        return sum(changes) + await self._carried.pursue(carried, kpis_position)


def _quarter(ours: Sequence[Document], until: datetime) -> Quarter:
    """The quarter that a load was begun in, or is to be begun in."""
    begun = (Quarter.containing(date.fromisoformat(each["starts_on"])) for each in ours)
    return max(begun, default=Quarter.containing(until.date()))
