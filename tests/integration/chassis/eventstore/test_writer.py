"""The group-committing writer: alone, together, across processes, and when the database goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Cursor
from psycopg.rows import DictRow

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.context import Actor, LoggedEvent
from services.chassis.eventstore.errors import (
    AggregateNotFoundError,
    CommandInFlightError,
    IdempotencyKeyReusedError,
    LogUnavailableError,
    StaleVersionError,
)
from services.chassis.eventstore.unit import Answer, Command, Unit
from services.chassis.eventstore.writer import Writer
from tests.integration.chassis.eventstore.conftest import PILE, PileStarted, StoneAdded

OpenLog = Callable[[], LogApplication]
ANA = Actor("ana", "human")


class TooHeavyError(Exception):
    pass


def no_index(cursor: Cursor[DictRow], events: list[LoggedEvent]) -> None:
    pass


@asynccontextmanager
async def writing(
    open_log: OpenLog, index: Callable[..., None] = no_index
) -> AsyncIterator[Writer]:
    writer = Writer(open_log(), index=index)
    writer.start()
    yield writer
    await writer.stop()


def start_pile(pile: UUID, *, key: str | None = None, request: bytes = b"start") -> Command:
    def decide(unit: Unit) -> Answer:
        unit.record(PILE, pile, PileStarted(place="pass"))
        return Answer(201, b"started", etag=1)

    return Command(
        decide=decide, actor=ANA, correlation_id="c", key=key, request_hash=request, touches=(pile,)
    )


def add_stone(pile: UUID, weight: float = 1.0, *, key: str | None = None) -> Command:
    def decide(unit: Unit) -> Answer:
        loaded = unit.load(PILE, pile)
        if weight > 100:
            unit.record(PILE, pile, StoneAdded(weight=weight))
            raise TooHeavyError
        loaded = unit.record(PILE, pile, StoneAdded(weight=weight))
        return Answer(200, str(loaded.state.stones).encode(), etag=loaded.version)

    return Command(decide=decide, actor=ANA, correlation_id="c", key=key, touches=(pile,))


def stored(log_url: str) -> list[tuple[int, int, str]]:
    with psycopg.connect(log_url) as connection:
        return connection.execute(
            "SELECT notification_id, originator_version, topic FROM piles.stored_events"
            " ORDER BY notification_id"
        ).fetchall()


async def test_a_command_is_recorded_and_answered_with_its_position(
    open_log: OpenLog, log_url: str
) -> None:
    async with writing(open_log) as writer:
        pile = uuid4()
        started = await writer.submit(start_pile(pile))
        added = await writer.submit(add_stone(pile))
    rows = stored(log_url)
    assert (started.status, started.body, started.etag) == (201, b"started", 1)
    assert (added.body, added.etag, added.replayed) == (b"1", 2, False)
    assert [started.position, added.position] == [row[0] for row in rows]


async def test_commands_that_wait_together_are_committed_together(
    open_log: OpenLog, log_url: str
) -> None:
    async with writing(open_log) as writer:
        pile = uuid4()
        await writer.submit(start_pile(pile))
        answers = await asyncio.gather(*(writer.submit(add_stone(pile)) for _ in range(50)))
    assert [answer.body for answer in answers] == [str(n).encode() for n in range(1, 51)]
    assert [answer.position for answer in answers] == [row[0] for row in stored(log_url)[1:]]
    with psycopg.connect(log_url) as connection:
        moments = connection.execute(
            "SELECT count(DISTINCT recorded_at) FROM piles.stored_events"
        ).fetchone()
    assert moments is not None
    assert moments[0] < 10


async def test_a_refused_command_leaves_nothing_and_harms_no_other(
    open_log: OpenLog, log_url: str
) -> None:
    async with writing(open_log) as writer:
        pile = uuid4()
        await writer.submit(start_pile(pile))
        outcomes = await asyncio.gather(
            writer.submit(add_stone(pile)),
            writer.submit(add_stone(pile, weight=500)),
            writer.submit(add_stone(pile)),
            writer.submit(add_stone(uuid4())),
            return_exceptions=True,
        )
    assert [type(outcome) for outcome in outcomes] == [
        Answer,
        TooHeavyError,
        Answer,
        AggregateNotFoundError,
    ]
    assert [row[1] for row in stored(log_url)] == [1, 2, 3]


async def test_a_change_made_for_another_version_is_refused(
    open_log: OpenLog, log_url: str
) -> None:
    pile = uuid4()

    def decide(unit: Unit) -> Answer:
        unit.load(PILE, pile).expect(7)
        return Answer(200, b"")

    async with writing(open_log) as writer:
        await writer.submit(start_pile(pile))
        with pytest.raises(StaleVersionError, match="made for version 7, but version 1 stands"):
            await writer.submit(Command(decide=decide, actor=ANA, correlation_id="c"))


async def test_the_same_key_gets_the_first_answer_again(open_log: OpenLog, log_url: str) -> None:
    pile = uuid4()
    async with writing(open_log) as writer:
        first = await writer.submit(start_pile(pile, key="k"))
        again = await writer.submit(start_pile(pile, key="k"))
        with pytest.raises(IdempotencyKeyReusedError):
            await writer.submit(start_pile(pile, key="k", request=b"other"))
    async with writing(open_log) as another_process:
        elsewhere = await another_process.submit(start_pile(pile, key="k"))
    assert (again.body, again.etag, again.position) == (first.body, first.etag, first.position)
    assert again.replayed
    assert elsewhere == again
    assert len(stored(log_url)) == 1


async def test_the_same_key_at_the_same_time_is_refused_while_in_flight(
    open_log: OpenLog, log_url: str
) -> None:
    pile = uuid4()
    async with writing(open_log) as writer:
        outcomes = await asyncio.gather(
            *(writer.submit(start_pile(pile, key="k")) for _ in range(5)), return_exceptions=True
        )
    assert isinstance(outcomes[0], Answer)
    assert {type(outcome) for outcome in outcomes[1:]} == {CommandInFlightError}
    assert len(stored(log_url)) == 1


async def test_a_command_goes_on_when_its_caller_goes_away(open_log: OpenLog, log_url: str) -> None:
    pile = uuid4()
    async with writing(open_log) as writer:
        leaving = asyncio.ensure_future(writer.submit(start_pile(pile, key="k")))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert (await writer.submit(add_stone(pile))).body == b"1"
        assert (await writer.submit(start_pile(pile, key="k"))).replayed


async def test_two_processes_decide_on_each_others_newest_state(
    open_log: OpenLog, log_url: str
) -> None:
    async with writing(open_log) as one, writing(open_log) as two:
        pile = uuid4()
        await one.submit(start_pile(pile))
        await asyncio.gather(
            *(writer.submit(add_stone(pile)) for _ in range(40) for writer in (one, two))
        )
        last = await one.submit(add_stone(pile))
    assert last.body == b"81"
    assert [row[1] for row in stored(log_url)] == list(range(1, 83))


async def test_a_decision_that_only_reads_an_aggregate_reads_what_another_process_did(
    open_log: OpenLog, log_url: str
) -> None:
    """No conflict of versions would show it: what was read is not what is written."""
    read, written = uuid4(), uuid4()

    def begin_beside(unit: Unit) -> Answer:
        stones = unit.load(PILE, read).state.stones
        unit.record(PILE, written, PileStarted(place="valley"))
        return Answer(201, str(stones).encode())

    async with writing(open_log) as one, writing(open_log) as two:
        await one.submit(start_pile(read))
        await two.submit(add_stone(read))
        answer = await one.submit(Command(decide=begin_beside, actor=ANA, correlation_id="c"))
    assert answer.body == b"1"
    assert len(stored(log_url)) == 3


async def test_a_process_that_slept_through_a_long_tail_starts_afresh(
    open_log: OpenLog, log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.chassis.eventstore.recorder.MAX_TAIL_EVENTS", 3)
    async with writing(open_log) as one, writing(open_log) as two:
        pile = uuid4()
        await one.submit(start_pile(pile))
        for _ in range(10):
            await two.submit(add_stone(pile))
        answer = await one.submit(add_stone(pile))
    assert answer.body == b"11"


async def test_index_rows_of_earlier_commands_are_there_for_later_ones_of_the_group(
    open_log: OpenLog, log_url: str
) -> None:
    with psycopg.connect(log_url) as connection:
        connection.execute("CREATE TABLE piles.stones (position bigint)")

    def index(cursor: Cursor[DictRow], events: list[LoggedEvent]) -> None:
        for event in events:
            cursor.execute("INSERT INTO piles.stones VALUES (%s)", [event.position])

    def count(unit: Unit) -> Answer:
        row = unit.index().execute("SELECT count(*) AS stones FROM piles.stones").fetchone()
        assert row is not None
        return Answer(200, str(row["stones"]).encode())

    pile = uuid4()
    counting = Command(decide=count, actor=ANA, correlation_id="c")
    async with writing(open_log, index) as writer:
        commands = [start_pile(pile), add_stone(pile), counting, add_stone(pile), counting]
        answers = await asyncio.gather(*map(writer.submit, commands))
    assert [answers[2].body, answers[4].body] == [b"2", b"3"]
    assert answers[2].position == answers[1].position


async def test_what_a_refused_command_wrote_beside_the_log_is_taken_back(
    open_log: OpenLog, log_url: str
) -> None:
    with psycopg.connect(log_url) as connection:
        connection.execute("CREATE TABLE piles.notes (stones bigint, note text)")

    def index(cursor: Cursor[DictRow], events: list[LoggedEvent]) -> None:
        cursor.execute("INSERT INTO piles.notes VALUES (%s, 'index')", [len(events)])

    def note(text: str, *, refused: bool) -> Command:
        def decide(unit: Unit) -> Answer:
            unit.index(writing=True).execute("INSERT INTO piles.notes VALUES (NULL, %s)", [text])
            unit.index().execute(
                "UPDATE piles.notes SET note = note || '!' WHERE note = %s", [text]
            )
            if refused:
                raise TooHeavyError
            return Answer(200, b"")

        return Command(decide=decide, actor=ANA, correlation_id="c")

    pile = uuid4()
    async with writing(open_log, index) as writer:
        commands = [
            start_pile(pile),
            note("a", refused=False),
            add_stone(pile),
            note("b", refused=True),
            note("c", refused=True),
            note("d", refused=False),
            add_stone(pile),
        ]
        outcomes = await asyncio.gather(*map(writer.submit, commands), return_exceptions=True)
    refused = [isinstance(each, TooHeavyError) for each in outcomes]
    assert refused == [False, False, False, True, True, False, False]
    with psycopg.connect(log_url) as connection:
        rows = connection.execute("SELECT stones, note FROM piles.notes").fetchall()
    assert [text for _, text in rows if text != "index"] == ["a!", "d!"]
    assert sum(stones for stones, _ in rows if stones is not None) == 3
    assert len(stored(log_url)) == 3


@pytest.mark.parametrize("statement", ["SELECT 1/0", "INSERT INTO piles.names VALUES ('taken')"])
async def test_a_command_that_breaks_the_transaction_fails_alone(
    open_log: OpenLog, log_url: str, statement: LiteralString
) -> None:
    with psycopg.connect(log_url) as connection:
        connection.execute("CREATE TABLE piles.names (name text PRIMARY KEY)")
        connection.execute("INSERT INTO piles.names VALUES ('taken')")

    def fail(unit: Unit) -> Answer:
        unit.index(writing=True).execute(statement)
        return Answer(200, b"")

    pile = uuid4()
    async with writing(open_log) as writer:
        await writer.submit(start_pile(pile))
        outcomes = await asyncio.gather(
            writer.submit(add_stone(pile)),
            writer.submit(Command(decide=fail, actor=ANA, correlation_id="c")),
            writer.submit(add_stone(pile)),
            return_exceptions=True,
        )
    assert [isinstance(outcome, Answer) for outcome in outcomes] == [True, False, True]
    assert len(stored(log_url)) == 3


async def test_connections_cut_under_load_lose_and_double_nothing(
    open_log: OpenLog, log_url: str
) -> None:
    async def cut() -> None:
        async with await psycopg.AsyncConnection.connect(log_url, autocommit=True) as connection:
            for _ in range(30):
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    async with writing(open_log) as writer:
        pile = uuid4()
        await writer.submit(start_pile(pile))

        async def insist(key: str) -> Answer:
            while True:
                try:
                    return await writer.submit(add_stone(pile, key=key))
                except LogUnavailableError:
                    continue

        cutting = asyncio.create_task(cut())
        answers = [await insist(str(n)) for n in range(200)]
        await cutting
    assert [answer.body for answer in answers] == [str(n).encode() for n in range(1, 201)]
    assert len(stored(log_url)) == 201


async def test_a_database_that_is_away_is_said_to_be_away(open_log: OpenLog, log_url: str) -> None:
    async with writing(open_log) as writer:
        pile = uuid4()
        await writer.submit(start_pile(pile))
        with psycopg.connect(log_url, autocommit=True) as connection:
            connection.execute("ALTER TABLE piles.stored_events RENAME TO gone")
            with pytest.raises(Exception, match="stored_events"):
                await writer.submit(add_stone(pile))
            connection.execute("ALTER TABLE piles.gone RENAME TO stored_events")
        assert (await writer.submit(add_stone(pile))).body == b"1"
