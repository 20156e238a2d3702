"""The fixtures that hand the run's two servers to tests keep those tests apart."""

import nats
import psycopg
import pytest
from nats.js.errors import NotFoundError


def test_each_fresh_database_is_empty_and_apart(database_url: str, fresh_database_url: str) -> None:
    assert database_url != fresh_database_url
    with psycopg.connect(fresh_database_url) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert tables == (0,)


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_no_stream_of_an_earlier_test_is_left(nats_url: str, turn: str) -> None:
    client = await nats.connect(nats_url)
    streams = client.jetstream()
    with pytest.raises(NotFoundError):
        await streams.stream_info("GOALS")
    await streams.add_stream(name="GOALS", subjects=["goals.>"])
    await streams.publish("goals.objective.1.drafted", b"{}")
    await client.close()
