"""Whatever is sent, the service answers as its OpenAPI document says, and never with a 500."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import schemathesis
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.projections.applying import Applier
from services.projections.settings import ProjectionsSettings
from tests.integration.goals.conftest import Issuer
from tests.integration.goals.processes import BOUND_SECONDS, free_port, until_ready
from tests.unit.projections.goals_log import Q1, GoalsLog, named

EXAMPLES = 40

Case = schemathesis.Case[Any]


@asynccontextmanager
async def process(settings: ProjectionsSettings) -> AsyncIterator[str]:
    """The service as a process of its own; its address."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        **os.environ,
        "CAIRN_DATABASE_URL": settings.database_url.get_secret_value(),
        "CAIRN_NATS_URL": settings.nats_url.get_secret_value(),
        "CAIRN_JWKS": settings.jwks,
        "CAIRN_PORT": str(port),
        "CAIRN_LOG_LEVEL": "error",
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.projections.main", env=environment
    )
    try:
        async with httpx.AsyncClient(base_url=address) as client:
            await until_ready(client, running)
        yield address
    finally:
        if running.returncode is None:
            running.terminate()
        async with asyncio.timeout(BOUND_SECONDS):
            assert await running.wait() == 0


def company() -> GoalsLog:
    log = GoalsLog()
    log.cycle()
    log.objective("company", {"growth": 1.0})
    log.objective("team", {"leads": 1.0})
    log.align("team", "company")
    log.check_in("team", "leads", 40.0, status="at_risk", confidence=0.5)
    log.add_raw(named("company"), "cairn.goals.objective.activated.v1", b"{}")
    return log


async def test_the_service_keeps_to_its_document(
    settings: ProjectionsSettings, issuer: Issuer, applier: Applier
) -> None:
    await applier.apply(company().events)
    headers = issuer.headers("root", "projections:read projections:admin")
    async with process(settings) as address:
        await asyncio.to_thread(send_anything, address, headers)


def send_anything(address: str, headers: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        keep_to_document(operation.as_strategy(), headers)


def aim(case: Case) -> None:
    """Point the request at what is there."""
    there = {"cycle_id": Q1, "aggregate_id": named("company"), "root": named("team"), "cycle": Q1}
    for parameters in (case.path_parameters, case.query):
        for name in parameters or {}:
            if name in there:
                parameters[name] = str(there[name])


def ask_for_what_is_reached(case: Case) -> None:
    """A position that is not reached is answered with a 503, which counts as a failure here."""
    if case.headers and case.headers.get("Cairn-Min-Position", "").startswith("goals:"):
        case.headers["Cairn-Min-Position"] = "goals:1"


def keep_to_document(cases: st.SearchStrategy[Case], headers: dict[str, str]) -> None:
    @given(cases, st.booleans())
    @examples(max_examples=EXAMPLES, deadline=None, derandomize=True)
    def keep(case: Case, aimed: bool) -> None:
        if aimed:
            aim(case)
        ask_for_what_is_reached(case)
        # What has the right form may still break a rule.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    keep()
