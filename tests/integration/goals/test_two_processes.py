"""Several processes of the service at once: no circle, no lost change, one answer to a key."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from graphlib import TopologicalSorter

import pytest

from services.goals.settings import GoalsSettings
from tests.integration.goals.conftest import (
    COVERAGE,
    Issuer,
    Json,
    Service,
    Starting,
    check_ins,
    problem,
)
from tests.integration.goals.processes import BOUND_SECONDS, process

OBJECTIVES = 8
ATTEMPTS = 40
CALLERS = 4
EXPECTED_REFUSALS = {"alignment-circle", "already-aligned", "not-aligned", "precondition-failed"}


async def attempt(service: Service, ids: Sequence[str], chance: random.Random) -> str:
    """Align or unalign two objectives chosen by chance; what became of it."""
    child, parent = chance.choice(ids), chance.choice(ids)
    step = "align" if chance.random() < 0.8 else "unalign"
    version = (await service.lead.get(f"/objectives/{child}")).json()["version"]
    response = await service.lead.post(
        f"/objectives/{child}/{step}", {"objective_id": parent}, version=version
    )
    return "done" if response.is_success else problem(response)[1]


async def keep_attempting(service: Service, ids: Sequence[str], seed: int) -> set[str]:
    chance = random.Random(seed)
    return {await attempt(service, ids, chance) for _ in range(ATTEMPTS)}


async def align_at_random(services: list[Service], seed: int) -> None:
    """Many callers of several processes align the same objectives; there must be no circle."""
    cycle = await services[0].active_cycle()
    ids = [(await services[0].draft(cycle))["id"] for _ in range(OBJECTIVES)]
    async with asyncio.timeout(BOUND_SECONDS):
        outcomes = await asyncio.gather(
            *(
                keep_attempting(service, ids, seed * 1_000 + number)
                for number, service in enumerate(services * CALLERS)
            )
        )
    seen = set().union(*outcomes)
    assert {"done", "alignment-circle"} <= seen <= {"done", *EXPECTED_REFUSALS}
    for service in services:
        # It raises CycleError if there is one.
        TopologicalSorter(await parents(service, ids)).prepare()


async def parents(service: Service, ids: Sequence[str]) -> dict[str, list[str]]:
    return {
        each: [
            alignment["objective_id"]
            for alignment in (await service.lead.get(f"/objectives/{each}")).json()["alignments"]
        ]
        for each in ids
    }


@pytest.mark.parametrize("seed", range(3))
async def test_two_writers_never_make_a_circle(starting: Starting, seed: int) -> None:
    async with starting() as one, starting() as other:
        await align_at_random([one, other], seed)


async def test_a_change_by_one_process_is_exact_in_the_other(starting: Starting) -> None:
    async with starting() as one, starting() as other:
        objective = await one.active_objective(await one.active_cycle())
        for version, service in enumerate([one, other] * 4, 3):
            answer = await service.lead.done(
                check_ins(objective), {"value": 70 + version}, version=version
            )
            assert answer["version"] == version + 1
            stale = await (one if service is other else other).lead.post(
                check_ins(objective), {"value": 1}, version=version
            )
            assert problem(stale) == (412, "precondition-failed")


async def test_of_many_changes_made_for_one_version_one_succeeds(starting: Starting) -> None:
    async with starting() as one, starting() as other:
        objective = await one.active_objective(await one.active_cycle())
        responses = await asyncio.gather(
            *(
                service.lead.post(check_ins(objective), {"value": 80 + number}, version=3)
                for number, service in enumerate([one, other] * 8)
            )
        )
        statuses = sorted(each.status_code for each in responses)
        assert statuses == [201] + [412] * 15


async def test_a_key_sent_to_two_processes_takes_effect_once(starting: Starting) -> None:
    async with starting() as one, starting() as other:
        objective = await one.active_objective(await one.active_cycle())
        responses = await asyncio.gather(
            *(
                service.lead.post(check_ins(objective), {"value": 80}, version=3, key="k")
                for service in [one, other] * 4
            )
        )
        done = [each for each in responses if each.status_code == 201]
        assert len({each.content for each in done}) == 1
        in_flight = [each for each in responses if each.status_code != 201]
        assert {problem(each) for each in in_flight} <= {(409, "command-in-flight")}
        shown = (await one.reader.get(f"/objectives/{objective['id']}")).json()
        assert shown["version"] == 4


async def test_two_real_processes_never_make_a_circle(
    settings: GoalsSettings, issuer: Issuer
) -> None:
    async with AsyncExitStack() as started:
        services = [await started.enter_async_context(process(settings, issuer)) for _ in range(2)]
        await align_at_random(services, seed=7)


async def test_what_a_process_recorded_is_there_for_the_next_one(
    settings: GoalsSettings, issuer: Issuer
) -> None:
    async with process(settings, issuer) as first:
        objective: Json = await first.active_objective(await first.active_cycle(), COVERAGE)
    async with process(settings, issuer) as second:
        shown = (await second.reader.get(f"/objectives/{objective['id']}")).json()
        assert shown["version"] == objective["version"]
