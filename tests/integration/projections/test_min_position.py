"""Read your own writes: a query waits for a position, or says how far it would have to wait."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from services.chassis.postgres import Pool
from services.projections.applying import Applier
from services.projections.checkpoints import Checkpoints
from services.projections.waiting import NotFollowedYetError, PositionWatch
from tests.integration.goals.conftest import problem
from tests.integration.projections.conftest import Service, Starting
from tests.unit.projections.goals_log import Q1

BOUND_SECONDS = 20


async def test_a_query_waits_for_the_position_its_caller_has_seen(service: Service) -> None:
    service.log.cycle()
    wanted = f"goals:{service.log.events[-1].position}"
    query = asyncio.create_task(service.get("/cycles", min_position=wanted))
    done, _ = await asyncio.wait([query], timeout=0.1)
    assert not done
    await service.apply()
    async with asyncio.timeout(BOUND_SECONDS):
        answer = await query
    assert answer["position"] == wanted
    assert len(answer["items"]) == 1


async def test_a_query_sees_what_another_process_applied(
    service: Service, new_applier: Callable[[], Applier]
) -> None:
    service.log.cycle()
    wanted = f"goals:{service.log.events[-1].position}"
    query = asyncio.create_task(service.get("/cycles", min_position=wanted))
    await asyncio.wait([query], timeout=0.05)
    await new_applier().apply(service.log.events)
    async with asyncio.timeout(BOUND_SECONDS):
        assert (await query)["position"] == wanted


async def test_a_query_that_would_wait_too_long_is_told_the_lag(starting: Starting) -> None:
    async with starting(min_position_wait_seconds=0.05) as service:
        service.log.cycle()
        await service.apply()
        reached = service.log.events[-1].position
        response = await service.reader.get(
            "/alignment-tree", headers={"Cairn-Min-Position": f"goals:{reached + 40}"}
        )
    assert problem(response) == (503, "not-followed-yet")
    assert response.headers["Retry-After"] == "1"
    document = response.json()
    assert (document["wanted"], document["reached"], document["lag"]) == (
        reached + 40,
        reached,
        40,
    )


async def test_positions_of_services_that_are_not_followed_are_passed_over(
    starting: Starting,
) -> None:
    async with starting(min_position_wait_seconds=0.05) as service:
        service.log.cycle()
        position = await service.apply()
        answer = await service.get("/cycles", min_position=f"metrics:999999, {position}")
    assert answer["position"] == position


async def test_a_malformed_position_is_a_problem(service: Service) -> None:
    for malformed in ("12", "goals:-1", "goals:1, goals:2", "sales:3"):
        response = await service.reader.get("/cycles", headers={"Cairn-Min-Position": malformed})
        assert problem(response) == (400, "invalid-header")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/cycles", {}),
        (f"/cycle-dashboards/{Q1}", {}),
        ("/alignment-tree", {"cycle": Q1}),
        ("/alignment-tree", {"root": Q1}),
    ],
)
async def test_a_read_model_that_was_set_back_does_not_pass_for_what_it_was(
    service: Service, pool: Pool, path: str, query: dict[str, UUID]
) -> None:
    """Nor is what it does not know any more said to be unknown."""
    service.log.cycle()
    position = await service.apply()
    await service.get("/cycles", min_position=position)
    async with pool.connection() as connection:
        await connection.execute("UPDATE checkpoints SET position = 0")
        await connection.execute("DELETE FROM okr_cycles")
    response = await service.reader.get(path, headers={"Cairn-Min-Position": position}, **query)
    assert problem(response) == (503, "not-followed-yet")


async def test_however_many_wait_the_position_is_looked_up_for_all_at_once(
    watch: PositionWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    read = Checkpoints.read

    async def counted(*arguments: object) -> object:
        nonlocal looks
        looks += 1
        return await read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Checkpoints, "read", counted)
    waits = (watch.wait_for(1, seconds=0.1) for _ in range(200))
    refused = await asyncio.gather(*waits, return_exceptions=True)
    assert all(isinstance(each, NotFollowedYetError) for each in refused)
    assert looks <= 7  # one every 20 ms


async def test_a_position_committed_here_wakes_who_waits_without_a_look(
    watch: PositionWatch,
) -> None:
    wait = asyncio.create_task(watch.wait_for(5, seconds=BOUND_SECONDS))
    await asyncio.wait([wait], timeout=0.05)
    watch.announce(5)
    async with asyncio.timeout(BOUND_SECONDS):
        await wait
    assert watch.reached == 5


async def test_a_look_that_took_long_does_not_undo_what_was_announced_meanwhile(
    watch: PositionWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Checkpoints.read

    async def read_before_the_announcement(*arguments: object) -> object:
        found = await read(*arguments)  # type: ignore[arg-type]
        watch.announce(5)
        return found

    monkeypatch.setattr(Checkpoints, "read", read_before_the_announcement)
    await watch.look()
    assert watch.reached == 5
