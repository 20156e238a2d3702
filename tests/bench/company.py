"""Companies in the stack: a cycle of 500 objectives or of 10,000, brought in as plans."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from deploy.local.tokens import Role
from tests.bench.commands import active_cycle, connect, if_match
from tests.bench.load import Caller, exhaust
from tests.empty_stack import EmptyStack

TEAMS_OF_A_PLAN: Final = 10
OBJECTIVES_OF_A_TEAM: Final = 50  # its own, and those of its 49 people
OBJECTIVES_OF_A_PLAN: Final = TEAMS_OF_A_PLAN * OBJECTIVES_OF_A_TEAM
CLIENTS: Final = 16
# As of a moment, a tree is final once something later is known.
PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Company:
    """What was brought in: the cycle, the teams' objectives, and the moment before check-ins.

    There are two key results to an objective, and each team's have one check-in. `position` is the
    end of the goals log, as `Cairn-Min-Position` takes it.
    """

    cycle: str
    objectives: int
    teams: Sequence[str]
    before_check_ins: datetime
    position: str


async def found(stack: EmptyStack, plans: int) -> Company:
    """Bring a company in through the goals service, and check in on each team's objective."""
    callers = await connect(stack.running.goals, stack.token(Role.ADMIN), CLIENTS)
    cycle = await active_cycle(callers[0])
    imported = []
    for place in range(plans):
        body = orjson.dumps(_plan(cycle, place))
        reply = await callers[0].ask("POST", "/v1/plans?activate=true", body, expect=201)
        imported += orjson.loads(reply.body)["objectives"]
    teams = [each for each in imported if each["key"].endswith("/team")]
    before = datetime.now(UTC)
    await asyncio.sleep(PAUSE_SECONDS)
    await exhaust([_check_in(caller) for caller in callers], teams)
    position = (await callers[0].ask("GET", f"/v1/objectives/{teams[0]['id']}")).position
    for caller in callers:
        caller.close()
    return Company(cycle, len(imported), [each["id"] for each in teams], before, position)


def _plan(cycle: str, place: int) -> dict[str, Any]:
    objectives = [
        _objective(f"{place}/{team}/{member or 'team'}", f"{place}/{team}/team" if member else None)
        for team in range(TEAMS_OF_A_PLAN)
        for member in range(OBJECTIVES_OF_A_TEAM)
    ]
    return {"format": "cairn.plan.v1", "cycle": {"id": cycle}, "objectives": objectives}


def _objective(key: str, above: str | None) -> dict[str, Any]:
    return {
        "key": key,
        "title": f"Increase user engagement by 30% ({key})",
        "owner": {"kind": "person" if above else "team", "id": key.replace("/", "-")},
        "aligned_to": [{"objective": above}] if above else [],
        "key_results": [
            {"title": "Daily active users", "type": "increase", "baseline": 0, "target": 100},
            {"title": "Bounce rate", "type": "decrease", "baseline": 60, "target": 51},
        ],
    }


def _check_in(caller: Caller) -> Callable[[dict[str, Any]], Awaitable[object]]:
    async def step(team: dict[str, Any]) -> None:
        shown = orjson.loads((await caller.ask("GET", f"/v1/objectives/{team['id']}")).body)
        version = shown["version"]
        for value, key_result in enumerate(shown["key_results"], start=50):
            path = f"/v1/objectives/{team['id']}/key-results/{key_result['id']}/check-ins"
            body = b'{"value": %d}' % value
            await caller.ask("POST", path, body, headers=if_match(version), expect=201)
            version += 1

    return step
