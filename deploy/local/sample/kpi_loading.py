"""Defines the KPIs and tells a year of their readings, through the metrics service."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from itertools import chain, islice
from typing import Final

import httpx

from contracts.positions import parse_positions, render_position
from deploy.local.sample.history import Reading, history
from deploy.local.sample.kpis import KPIS, KpiPlan
from deploy.local.sample.periods import Quarter
from deploy.local.sample.service import Command, Service

KPI_COLLECTION: Final = "/v1/kpis"
READINGS: Final = "/v1/readings"
SOURCE: Final = "archive"
BATCH_READINGS: Final = 1_000


async def define_kpis(metrics: Service) -> str:
    """Define every KPI that is not defined; return the position at which all of them are.

    Raises httpx.HTTPError.
    """
    positions = await asyncio.gather(*(_define(metrics, each) for each in KPIS))
    return render_position("metrics", max(parse_positions(each)["metrics"] for each in positions))


async def tell_history(metrics: Service, quarter: Quarter, until: datetime) -> int:
    """Tell the readings of the year before `until`; return how many there are.

    Raises httpx.HTTPError, also where a reading is refused.
    """
    readings = chain.from_iterable(history(each, quarter, until) for each in KPIS)
    batches = list(_batches(readings))
    await asyncio.gather(*(_tell(metrics, each) for each in batches))
    return sum(map(len, batches))


async def _define(metrics: Service, kpi: KpiPlan) -> str:
    """Return the position at which the KPI is defined."""
    try:
        answer = await metrics.post(Command(path=KPI_COLLECTION, body=kpi.definition()))
    except httpx.HTTPStatusError as error:
        # A load that was cut off got this far, so long ago that its answer is forgotten.
        if error.response.status_code != HTTPStatus.CONFLICT:
            raise
        answer = await metrics.get(f"{KPI_COLLECTION}/{kpi.key}")
    assert answer.position is not None, "the metrics service gives the position of a KPI"
    return answer.position


async def _tell(metrics: Service, readings: list[Reading]) -> None:
    body = [{**each.document(), "source": SOURCE} for each in readings]
    answer = await metrics.post(Command(path=READINGS, body=body))
    if answer.document["rejected"]:
        raise httpx.HTTPError(f"readings of the sample company were refused: {answer.document}")


def _batches(readings: Iterator[Reading]) -> Iterator[list[Reading]]:
    while batch := list(islice(readings, BATCH_READINGS)):
        yield batch
