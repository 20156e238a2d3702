"""Loads the sample company through the public interfaces, once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from deploy.local.sample import last_quarter, this_quarter
from deploy.local.sample.goal_loading import MARK, QuarterLoading, all_cycles
from deploy.local.sample.kpi_loading import define_kpis, tell_history
from deploy.local.sample.kpis import KPIS
from deploy.local.sample.quarters import Quarter
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
    cycles: real goals are not mixed with samples. `tokens` has one for the role `admin`.
    Raises httpx.HTTPError.
    """
    token = tokens["admin"]
    async with Service(goals_url, token) as goals, Service(metrics_url, token) as metrics:
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
        loaded = await _load(goals, metrics, _quarter(ours, until), until, report)
    async with Service(projections_url, token) as projections:
        path = f"/v1/cycle-dashboards/{loaded.cycle_id}"
        await projections.get(path, min_position=loaded.position)


async def _load(
    goals: Service, metrics: Service, quarter: Quarter, until: datetime, report: Report
) -> Loaded:
    """Load everything that is missing."""
    this = QuarterLoading(goals=goals, quarter=quarter, plans=this_quarter.OBJECTIVES, until=until)
    last = QuarterLoading(
        goals=goals, quarter=quarter.previous(), plans=last_quarter.OBJECTIVES, until=until
    )
    # The current quarter comes first: by it a load that was cut off knows which one it began.
    this_id, last_id = await this.begin(), await last.begin()
    kpis_position = await define_kpis(metrics)
    report(f"KPIs {len(KPIS)}/{len(KPIS)}")
    report(f"readings {await tell_history(metrics, quarter, until):,}")
    changes = await this.pursue(this_id, kpis_position) + await last.pursue(last_id, None)
    report(f"objectives {len(this.plans) + len(last.plans)}, changes to them {changes:,}")
    position = await last.close(last_id)
    report(f"{quarter.previous().name} closed with scores")
    return Loaded(this_id, position)


def _quarter(ours: Sequence[Document], until: datetime) -> Quarter:
    """The quarter that a load was begun in, or is to be begun in."""
    begun = (Quarter.containing(date.fromisoformat(each["starts_on"])) for each in ours)
    return max(begun, default=Quarter.containing(until.date()))
