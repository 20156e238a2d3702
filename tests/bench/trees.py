"""The alignment tree over HTTP, against one SELECT that finds the same rows by index.

The SELECT is told which objectives there are, has nothing to look for, order or put together, and
its rows stay as the driver gives them: ids, times and lists as Python's, documents as text.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from statistics import median
from typing import Any, Final

import orjson
import psycopg

from deploy.local.tokens import Role
from tests.bench.commands import connect
from tests.bench.company import OBJECTIVES_OF_A_TEAM, Company
from tests.bench.load import Caller
from tests.empty_stack import EmptyStack

ROUNDS: Final = 100
LARGE_ROUNDS: Final = 15
# Statements are prepared, and rows read into memory, before the clock runs.
WARM_UP_ROUNDS: Final = 7
BOUND_SECONDS: Final = 60.0

_SAME_ROWS: Final = """
SELECT objective.objective_id, objective.cycle_id, objective.title, objective.owner_kind,
    objective.owner_id, objective.state, objective.ambition, objective.score, objective.verdict,
    objective.labels, objective.delegates, objective.approved_at, objective.ended_at,
    objective.predecessor_id, objective.successor_id, progress.own_progress,
    progress.progress, progress.position,
    (
        SELECT array_agg(key_result.document)
        FROM projections.okr_key_results AS key_result
        WHERE key_result.key_result_id = ANY(objective.key_result_ids)
            AND key_result.valid_from <= %(at)s AND key_result.valid_to > %(at)s
    ) AS key_results,
    (
        SELECT array_agg(alignment.parent_id)
        FROM projections.okr_alignments AS alignment
        WHERE alignment.child_id = objective.objective_id
            AND alignment.valid_from <= %(at)s AND alignment.valid_to > %(at)s
    ) AS parents
FROM projections.okr_objectives AS objective
LEFT JOIN projections.okr_progress AS progress
    ON progress.objective_id = objective.objective_id
    AND progress.valid_from <= %(at)s AND progress.valid_to > %(at)s
WHERE objective.objective_id = ANY(%(ids)s::uuid[])
    AND objective.valid_from <= %(at)s AND objective.valid_to > %(at)s
"""


@dataclass(frozen=True, slots=True)
class Times:
    """Median times in milliseconds of a tree and of the SELECT."""

    what: str
    tree: float
    select: float


async def measure(stack: EmptyStack, company: Company) -> list[Times]:
    """The whole tree and a team's, as they stand and as they stood before the check-ins."""
    whole, team = f"cycle={company.cycle}", f"root={company.teams[0]}"
    before = f"&as_of={company.before_check_ins:%Y-%m-%dT%H:%M:%S.%fZ}"
    asked = (
        (f"{company.objectives:,} objectives", whole, None, LARGE_ROUNDS),
        (f"{company.objectives:,}, as of", whole + before, company.before_check_ins, LARGE_ROUNDS),
        ("a subtree of 50", team, None, ROUNDS),
        ("a subtree of 50, as of", team + before, company.before_check_ins, ROUNDS),
    )
    rows = []
    async with (
        _reader(stack, company) as caller,
        await psycopg.AsyncConnection.connect(stack.postgres_url(), autocommit=True) as connection,
    ):
        for what, query, at, rounds in asked:
            ask = _tree(caller, query)
            ids = [each["id"] for each in orjson.loads(await ask())["nodes"]]
            assert len(ids) in {company.objectives, OBJECTIVES_OF_A_TEAM}, (what, len(ids))
            await _prefer_indexes(connection, few=len(ids) == OBJECTIVES_OF_A_TEAM)
            tree, select = await _medians(rounds, ask, _select(connection, ids, at))
            rows.append(Times(what, tree, select))
    return rows


async def measure_team(stack: EmptyStack, company: Company) -> float:
    """The median time in milliseconds of a team's tree."""
    async with _reader(stack, company) as caller:
        (tree,) = await _medians(ROUNDS, _tree(caller, f"root={company.teams[0]}"))
    return tree


@asynccontextmanager
async def _reader(stack: EmptyStack, company: Company) -> AsyncIterator[Caller]:
    """A connection to the projections, once they know the company and the disk is at rest."""
    (caller,) = await connect(stack.running.projections, stack.token(Role.ADMIN), 1)
    known = f"cairn-min-position: {company.position}\r\n"
    path = f"/v1/alignment-tree?root={company.teams[0]}&depth=0"
    async with asyncio.timeout(BOUND_SECONDS):
        while (await caller.ask("GET", path, headers=known, expect=None)).status != HTTPStatus.OK:
            await asyncio.sleep(0)
    # Else it is done meanwhile; and the plan of the SELECT needs it.
    await asyncio.to_thread(_settle, stack.postgres_url())
    yield caller
    caller.close()


def _settle(database_url: str) -> None:
    """Do what PostgreSQL would do later with tables that were written to."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE")
        admin.execute("CHECKPOINT")


async def _prefer_indexes(connection: psycopg.AsyncConnection[Any], *, few: bool) -> None:
    """Have the SELECT look up a few rows by index. Left alone it reads all progress there is."""
    for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
        await connection.execute("SELECT set_config(%s, %s, false)", (setting, str(not few)))
    await connection.execute("DISCARD PLANS")


def _tree(caller: Caller, query: str) -> Callable[[], Awaitable[bytes]]:
    async def ask() -> bytes:
        return (await caller.ask("GET", f"/v1/alignment-tree?{query}")).body

    return ask


def _select(
    connection: psycopg.AsyncConnection[Any], ids: Sequence[str], at: datetime | None
) -> Callable[[], Awaitable[object]]:
    async def select() -> object:
        parameters = {"ids": list(ids), "at": at or datetime.now(UTC)}
        rows = await (await connection.execute(_SAME_ROWS, parameters, prepare=True)).fetchall()
        assert len(rows) == len(ids)
        return rows

    return select


async def _medians(rounds: int, *steps: Callable[[], Awaitable[object]]) -> list[float]:
    """The median of each step, taken in turns: what disturbs one disturbs the others."""
    times: list[list[float]] = [[] for _ in steps]
    for turn in range(WARM_UP_ROUNDS + rounds):
        for step, own in zip(steps, times, strict=True):
            begun = time.perf_counter()
            await step()
            if turn >= WARM_UP_ROUNDS:
                own.append((time.perf_counter() - begun) * 1_000)
            await asyncio.sleep(0)
    return [median(own) for own in times]
