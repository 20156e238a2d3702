"""One leader at a time, a successor at once, and work that is begun anew when it fails."""

import asyncio
from contextlib import suppress
from itertools import pairwise
from time import monotonic

import psycopg
import pytest

from services.chassis.leadership import FIRST_BACK_OFF_SECONDS, lead
from services.chassis.settings import ServiceSettings

BOUND_SECONDS = 20


@pytest.fixture
def settings(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("CAIRN_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("CAIRN_NATS_URL", "nats://unused")
    return ServiceSettings(service="goals", db_schema="public", port=1, jwks="none")


class Candidate:
    def __init__(self, settings: ServiceSettings, working: list["Candidate"]) -> None:
        self._working = working
        self.began = asyncio.Event()
        self.times = 0
        self.failing = False
        self._task = asyncio.ensure_future(lead(settings, "work", self._work))

    async def _work(self) -> None:
        self.times += 1
        if self.failing:
            self.failing = False
            raise RuntimeError("broken")
        self._working.append(self)
        assert len(self._working) == 1, "two leaders at once"
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._working.remove(self)

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def test_only_one_leads_and_another_takes_over_when_it_stops(
    settings: ServiceSettings,
) -> None:
    working: list[Candidate] = []
    first = Candidate(settings, working)
    async with asyncio.timeout(BOUND_SECONDS):
        await first.began.wait()
        second = Candidate(settings, working)
        await first.stop()
        await second.began.wait()
    assert working == [second]
    await second.stop()
    assert working == []


async def test_work_is_begun_anew_after_it_failed(settings: ServiceSettings) -> None:
    candidate = Candidate(settings, [])
    candidate.failing = True
    async with asyncio.timeout(BOUND_SECONDS):
        await candidate.began.wait()
    assert candidate.times == 2
    await candidate.stop()


async def test_work_that_keeps_failing_is_begun_ever_more_rarely(settings: ServiceSettings) -> None:
    begun: list[float] = []
    enough = asyncio.Event()

    async def fail() -> None:
        begun.append(monotonic())
        if len(begun) == 5:
            enough.set()
        raise RuntimeError("broken")

    leading = asyncio.ensure_future(lead(settings, "work", fail))
    async with asyncio.timeout(BOUND_SECONDS):
        await enough.wait()
    leading.cancel()
    with suppress(asyncio.CancelledError):
        await leading
    waits = [later - earlier for earlier, later in pairwise(begun)]
    assert all(wait >= FIRST_BACK_OFF_SECONDS * 2**failures for failures, wait in enumerate(waits))


async def test_a_leader_whose_connection_is_cut_stops_and_leads_again(
    settings: ServiceSettings, fresh_database_url: str
) -> None:
    working: list[Candidate] = []
    candidate = Candidate(settings, working)
    async with asyncio.timeout(BOUND_SECONDS):
        await candidate.began.wait()
        candidate.began.clear()
        with psycopg.connect(fresh_database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await candidate.began.wait()
    assert candidate.times == 2
    await candidate.stop()


async def test_leadership_is_waited_for_while_the_database_is_away(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = asyncio.Event()

    async def refuse(*_: object, **__: object) -> None:
        attempts.set()
        raise psycopg.OperationalError("away")

    with monkeypatch.context() as away:
        away.setattr("services.chassis.leadership.AsyncConnection.connect", refuse)
        candidate = Candidate(settings, [])
        async with asyncio.timeout(BOUND_SECONDS):
            await attempts.wait()
    async with asyncio.timeout(BOUND_SECONDS):
        await candidate.began.wait()
    await candidate.stop()
