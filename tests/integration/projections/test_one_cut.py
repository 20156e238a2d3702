"""A query's cut through the read models: one state of all of it, on a connection that goes on."""

from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from services.chassis.postgres import connection
from services.projections.api.asked import Question
from services.projections.okrs.cycles import UnknownCycleError, cycle_at, cycles_page
from tests.integration.projections.conftest import Service, Starting
from tests.unit.projections.goals_log import Q1


@pytest.fixture
async def service(starting: Starting) -> AsyncIterator[Service]:
    """With one connection for all queries."""
    async with starting(database_pool_size=1) as service:
        yield service


@pytest.fixture
def question(service: Service) -> Question:
    return Question(service.projections, as_of=None, min_position=0)


async def prepared(service: Service) -> set[str]:
    """The names of what the connection has prepared; it is in no transaction."""
    async with connection(service.projections.pool) as lent:
        assert lent.info.transaction_status == TransactionStatus.IDLE
        found = await lent.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in await found.fetchall()}


async def test_all_that_is_asked_is_of_one_state(service: Service, question: Question) -> None:
    service.log.cycle()
    position = int((await service.apply()).removeprefix("goals:"))
    async with question.known() as known:
        service.log.cycle(UUID(int=7))
        await service.apply()
        at = service.log.events[-1].time
        assert len(await cycles_page(known.connection, before=None, at=at, limit=10)) == 1
        assert (await known.answer({})).headers["cairn-position"] == f"goals:{position}"
    async with question.known() as known:
        assert len(await cycles_page(known.connection, before=None, at=at, limit=10)) == 2


async def test_a_query_writes_nothing(service: Service, question: Question) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with question.known() as known:
            await (await known.connection.execute("DELETE FROM okr_cycles")).fetchone()
    await prepared(service)


async def test_a_refusal_costs_no_prepared_statement(service: Service, question: Question) -> None:
    async def refused() -> set[str]:
        with pytest.raises(UnknownCycleError):
            async with question.known() as known:
                await cycle_at(known.connection, Q1, known.at)
        return await prepared(service)

    first = await refused()
    assert first
    assert first <= await refused()  # the driver knew them still, and prepared none anew


async def test_after_a_failed_statement_the_connection_goes_on(
    service: Service, question: Question
) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with question.known() as known:
            await (await known.connection.execute("SELECT 1 / 0")).fetchone()
    await prepared(service)
    async with question.known() as known:
        assert len(await cycles_page(known.connection, before=None, at=known.at, limit=10)) == 0
