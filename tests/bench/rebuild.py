"""Rebuilding a read model from the stream, against reading and decoding the same events.

Both follow the stream of the running stack as the projection service does, in this process. What is
rebuilt goes into a scratch database on the stack's PostgreSQL.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from contracts.cloudevents import CloudEvent
from contracts.positions import parse_positions
from deploy.local.tokens import TokenIssuer
from services.chassis.bus import Bus
from services.chassis.following import Apply, LoadPosition, follow
from services.chassis.postgres import open_pool
from services.projections.applying import Applier
from services.projections.main import BATCH_EVENTS
from services.projections.okrs.group import OKRS
from services.projections.schema import migrate_schema
from services.projections.settings import ProjectionsSettings
from tests.bench.company import Company
from tests.bench.scratch import scratch_database
from tests.empty_stack import EmptyStack

DATABASE: Final = "bench_rebuild"
BOUND_SECONDS: Final = 120.0


@dataclass(slots=True)
class Followed:
    """How a stream of `events` was followed: when each batch was done, since the first was asked.

    `batches` are pairs of the position reached and the seconds it took.
    """

    events: int
    batches: list[tuple[int, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.batches[-1][1]

    @property
    def halves(self) -> tuple[float, float]:
        """Events a second of the first half and of the second: as much, if the cost is linear."""
        # Until the first batch is done, the consumer is made and connections are opened.
        first, begun = self.batches[0]
        middle, until = next(each for each in self.batches if each[0] >= self.events / 2)
        end = self.batches[-1][1]
        return (middle - first) / (until - begun), (self.events - middle) / (end - until)


async def measure(
    stack: EmptyStack, company: Company, rounds: int
) -> list[tuple[Followed, Followed]]:
    """Rounds of a rebuild, each with one of decoding alone right before it."""
    last = parse_positions(company.position)["goals"]
    measured = []
    for _ in range(rounds):
        with scratch_database(stack.postgres_url(), DATABASE) as database:
            settings = _settings(stack, database)
            decoded = await _decode(settings, last)
            measured.append((await _rebuild(settings, last), decoded))
    return measured


async def _decode(settings: ProjectionsSettings, last: int) -> Followed:
    reached = 0

    async def load_position() -> int:
        return reached

    async def apply(events: Sequence[CloudEvent]) -> None:
        nonlocal reached
        assert all(OKRS.decode(each) is not None for each in events)
        reached = events[-1].position

    return await _follow(settings, last, load_position, apply)


async def _rebuild(settings: ProjectionsSettings, last: int) -> Followed:
    await asyncio.to_thread(migrate_schema, settings)
    pool = await open_pool(settings)
    applier = Applier(pool, OKRS, lambda _: None)
    followed = await _follow(settings, last, applier.position, applier.apply)
    await pool.close()
    return followed


async def _follow(
    settings: ProjectionsSettings, last: int, load_position: LoadPosition, apply: Apply
) -> Followed:
    followed = Followed(last)
    done = asyncio.Event()
    begun = time.perf_counter()

    async def timed(events: Sequence[CloudEvent]) -> None:
        await apply(events)
        followed.batches.append((events[-1].position, time.perf_counter() - begun))
        if events[-1].position >= last:
            done.set()

    async with Bus.connected(settings) as bus:
        following = asyncio.create_task(
            follow(
                bus,
                stream=OKRS.stream,
                durable="bench",
                load_position=load_position,
                apply=timed,
                batch_size=BATCH_EVENTS,
            )
        )
        async with asyncio.timeout(BOUND_SECONDS):
            await done.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return followed


def _settings(stack: EmptyStack, database: str) -> ProjectionsSettings:
    return ProjectionsSettings(
        database_url=SecretStr(database),
        nats_url=SecretStr(stack.running.nats),
        nats_user="admin",
        nats_password=SecretStr(stack.home.password("nats-admin")),
        jwks=str(TokenIssuer(stack.home.keys).jwks_file),
    )
