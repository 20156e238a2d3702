"""Several processes of the service at once: no circle, no lost change, one answer to a key."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from graphlib import TopologicalSorter
from itertools import takewhile

import pytest

from services.goals.settings import GoalsSettings
from tests.integration.goals.conflicts import Ledger, Rivals
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


CROWD = 64
COMMANDS_EACH = 4
CONTESTED = 16
# What outdates nobody's change.
SAID = {"cairn.goals.objective.commented.v1", "cairn.goals.objective.acknowledged.v1"}


async def test_of_all_that_a_crowd_wants_at_once_what_was_acknowledged_is_in_the_log_once(
    settings: GoalsSettings, issuer: Issuer
) -> None:
    async with AsyncExitStack() as started:
        services = [await started.enter_async_context(process(settings, issuer)) for _ in range(2)]
        cycle = await services[0].active_cycle()
        later = await services[0].active_cycle(starts_on="2026-07-01")
        ids = [
            (await services[0].active_objective(cycle, COVERAGE, COVERAGE))["id"]
            for _ in range(CONTESTED)
        ]
        rivals = Rivals(services, (cycle, later), ids)
        async with asyncio.timeout(BOUND_SECONDS):
            await asyncio.gather(*(rivals.act(number, COMMANDS_EACH) for number in range(CROWD)))
        log = await whole_log(services[1])
        require_every_command_once(rivals.ledger, log)
        require_no_lost_update(rivals.ledger, log)
        await require_one_state(services, ids)


async def whole_log(service: Service) -> list[Json]:
    found: list[Json] = []
    while True:
        after = found[-1]["position"] if found else 0
        page = (await service.auditor.get("/events", after=after, limit=500)).json()
        if not page["items"]:
            return found
        found += page["items"]


def require_every_command_once(ledger: Ledger, log: list[Json]) -> None:
    """What was acknowledged is in the log as one command, what was refused is not."""
    assert [each["position"] for each in log] == list(range(1, len(log) + 1))
    commands: dict[str, set[str]] = {}
    reached: dict[tuple[str, str], int] = {}
    for each in log:
        context = each["data"]["context"]
        mark = context["reason"]
        commands.setdefault(mark, set()).add(context["command_id"])
        reached[mark, each["subject"]] = each["aggregateversion"]
    assert len(ledger.done) + len(ledger.refused) == CROWD * COMMANDS_EACH
    assert len(ledger.done) > CROWD
    assert "precondition-failed" in ledger.refused.values()
    for mark, done in ledger.done.items():
        if done.wish.path.endswith("/acknowledge") and mark not in commands:
            continue  # the same caller had taken note before
        assert len(commands[mark]) == 1
        for objective_id, version in done.versions.items():
            assert reached[mark, objective_id] == version
    assert not commands.keys() & ledger.refused.keys()
    assert set(commands) - {None} <= set(ledger.done)


def require_no_lost_update(ledger: Ledger, log: list[Json]) -> None:
    """Between the version that a change was made for and the change nobody decided anything."""
    histories: dict[str, list[Json]] = {}
    for each in log:
        histories.setdefault(each["subject"], []).append(each)
    for events in histories.values():
        assert [each["aggregateversion"] for each in events] == list(range(1, len(events) + 1))
    for mark, done in ledger.done.items():
        if done.wish.version is None:
            continue
        since = histories[done.wish.path.split("/")[2]][done.wish.version :]
        assert {each["type"] for each in until(mark, since)} <= SAID


def until(mark: str, events: list[Json]) -> Iterator[Json]:
    """The events before those of the command with that mark."""
    return takewhile(lambda each: each["data"]["context"]["reason"] != mark, events)


async def require_one_state(services: Sequence[Service], ids: Sequence[str]) -> None:
    """Both processes show the same, without a circle."""
    for each in ids:
        one, other = [
            (await service.lead.get(f"/objectives/{each}")).json() for service in services
        ]
        assert one["version"] == other["version"]
        assert one["alignments"] == other["alignments"]
        values = [
            [(found["id"], found["value"], found["target"]) for found in shown["key_results"]]
            for shown in (one, other)
        ]
        assert values[0] == values[1]
    # It raises CycleError if there is one.
    TopologicalSorter(await parents(services[0], ids)).prepare()
