"""Binary array parameters arrive as the driver's own would."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.eventstore.arrays import (
    BigintArray,
    ByteaArray,
    TextArray,
    TimestamptzArray,
    UuidArray,
)

STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(st.none(), STORABLE)),
    st.lists(st.binary()),
    st.lists(st.builds(uuid4)),
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))),
    st.lists(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.timezones())),  # noqa: DTZ001  hypothesis adds the zone
)
def test_what_is_sent_is_what_arrives(
    database: psycopg.Connection[tuple[object, ...]],
    texts: list[str | None],
    contents: list[bytes],
    ids: list[UUID],
    numbers: list[int | None],
    moments: list[datetime],
) -> None:
    row = database.execute(
        "SELECT %s::text[], %s::bytea[], %s::uuid[], %s::bigint[], %s::timestamptz[]",
        (
            TextArray(texts),
            ByteaArray(contents),
            UuidArray(ids),
            BigintArray(numbers),
            TimestamptzArray(moments),
        ),
    ).fetchone()
    assert row == (texts, contents, ids, numbers, [each.astimezone(UTC) for each in moments])
