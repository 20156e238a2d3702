"""The subclassed recorder against the library's own recorder test cases, and its own promises."""

from collections.abc import Callable
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import ProgrammingError, StoredEvent
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
)

from services.chassis.eventstore.application import LogApplication
from services.chassis.eventstore.recorder import LogRecorder, log_channel

OpenLog = Callable[[], LogApplication]


@pytest.fixture(autouse=True)
def recorder_factory(request: pytest.FixtureRequest, open_log: OpenLog) -> None:
    if request.cls is not None:
        request.cls.create_recorder = lambda _: open_log().recorder


class TestApplicationRecorder(ApplicationRecorderTestCase[LogRecorder]):
    """All but the optional one: the library's subscription misses an event that is committed
    between its first read and LISTEN, and then waits for ever. Nothing here subscribes."""

    def create_recorder(self) -> LogRecorder: ...


class TestNonInterleavingNotificationIDs(NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> LogRecorder: ...


def some_event() -> StoredEvent:
    return StoredEvent(originator_id=uuid4(), originator_version=1, topic="t", state=b"{}")


def test_recorded_at_never_decreases_even_when_the_clock_steps_back(
    open_log: OpenLog, log_url: str
) -> None:
    recorder = open_log().recorder
    recorder.insert_events([some_event()])
    with psycopg.connect(log_url) as connection:
        connection.execute(
            "UPDATE piles.stored_events SET recorded_at = clock_timestamp() + interval '1 hour'"
        )
    recorder.insert_events([some_event(), some_event()])
    with psycopg.connect(log_url) as connection:
        times = connection.execute(
            "SELECT recorded_at FROM piles.stored_events ORDER BY notification_id"
        ).fetchall()
    assert times == sorted(times)
    assert len(times) == 3


def test_the_recorder_refuses_the_library_option_that_drops_the_table_lock(log_url: str) -> None:
    datastore = PostgresDatastore("x", "x", 1, "x", "x", enable_db_functions=True)
    with pytest.raises(ProgrammingError, match="readers of the log would miss events"):
        LogRecorder(datastore)
    datastore.close()


def test_kept_answers_are_found_by_index_from_the_first_day(
    open_log: OpenLog, log_url: str
) -> None:
    """The statement is planned while the table is empty, and that plan stays for a while."""
    select = open_log().recorder._select_commands
    with psycopg.connect(log_url) as connection:
        plan = connection.execute(
            b"EXPLAIN " + select, {"callers": ["a"] * 64, "keys": ["k"] * 64}
        ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "Index Scan using commands_pkey" in text
    assert "Seq Scan" not in text


def test_a_log_that_grows_wakes_only_who_listens_to_it(open_log: OpenLog, log_url: str) -> None:
    """Channels belong to the database, which the services share."""
    with psycopg.connect(log_url, autocommit=True) as connection:
        for channel in (log_channel("piles"), log_channel("heaps"), "stored_events"):
            connection.execute(f'LISTEN "{channel}"')
        open_log().recorder.insert_events([some_event()])
        connection.execute("""NOTIFY "heaps_stored_events", 'the last word'""")
        heard = [each.channel for each in connection.notifies(timeout=5, stop_after=2)]
    assert heard == ["piles_stored_events", "heaps_stored_events"]
