"""A table of rows in time: read by key, and brought up to date in sets, never row by row."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, Generic, LiteralString, TypeVar, cast
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from services.chassis.postgres import Connection
from services.projections.timeline import Rewrite, Version

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=msgspec.Struct)

_ENCODER: Final = msgspec.json.Encoder()


class TemporalTable(Generic[K, R]):
    """One table with a column for each field of `row_type`, then `valid_from` and `valid_to`.

    `key` names the columns that tell rows apart, all of them ids, of which only the first is
    never NULL. The statements are put together from these names, which are constants of the
    code. What is written travels as one JSON document per statement: that costs a fraction of
    what adapting each value to a parameter, or to a field of COPY, would.
    """

    def __init__(
        self, name: LiteralString, row_type: type[R], key: tuple[LiteralString, ...]
    ) -> None:
        self._row_type = row_type
        self._key_of = attrgetter(*key)
        # Rendered once: the driver would put the pieces together anew for every execution.
        self._last_versions = _last_versions_statement(name, row_type, key[0]).as_bytes()
        self._remove = _remove_statement(name, key).as_bytes()
        self._end = _end_statement(name, key).as_bytes()
        self._add = _add_statement(name, row_type).as_bytes()

    async def load(
        self,
        connection: Connection,
        keys: Sequence[UUID],
        since: datetime,
        take: Callable[[K, list[Version[R]]], None],
    ) -> None:
        """Give `take`, of the rows of these single-column keys, what holds or ended at `since`."""
        if keys:
            parameters = {"keys": keys, "since": since}
            await self.load_selected(connection, self._last_versions, parameters, take)

    async def load_selected(
        self,
        connection: Connection,
        statement: LiteralString | bytes,
        parameters: Mapping[str, Any],
        take: Callable[[K, list[Version[R]]], None],
    ) -> None:
        """Give `take` the versions that a statement selects, ordered by key and `valid_from`.

        It selects the columns of the table, with NULL for a `valid_to` of infinity.
        """
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, parameters)
            versions = [self._version(row) for row in await cursor.fetchall()]
        for key, of_key in groupby(versions, lambda version: self._key_of(version.row)):
            take(cast("K", key), list(of_key))

    async def write(self, connection: Connection, rewrite: Rewrite[K, R]) -> None:
        """Make the stored versions equal to the timeline that `rewrite` comes from."""
        steps = ((self._remove, rewrite.removed), (self._end, rewrite.ended))
        for statement, versions in (*steps, (self._add, rewrite.added)):
            if versions:
                await connection.execute(statement, [_ENCODER.encode(versions).decode()])

    def _version(self, row: DictRow) -> Version[R]:
        return Version(msgspec.convert(row, self._row_type), row["valid_from"], row["valid_to"])


def _last_versions_statement(
    name: LiteralString, row_type: type[msgspec.Struct], key: LiteralString
) -> sql.Composed:
    """The version that holds, and the one before it if that ended at `since`.

    A moment makes at most one version, so there is never a second one that ended then.
    """
    return sql.SQL(
        """
        SELECT {fields}, valid_from, nullif(valid_to, 'infinity') AS valid_to
        FROM unnest(%(keys)s::uuid[]) AS wanted (key)
        CROSS JOIN LATERAL (
            SELECT * FROM {table} AS stored
            WHERE stored.{key} = wanted.key ORDER BY stored.valid_from DESC LIMIT 2
        ) AS last
        WHERE last.valid_to >= %(since)s
        ORDER BY {key}, valid_from
        """
    ).format(
        fields=sql.SQL(", ").join(map(sql.Identifier, row_type.__struct_fields__)),
        table=sql.Identifier(name),
        key=sql.Identifier(key),
    )


def _remove_statement(name: LiteralString, key: Sequence[LiteralString]) -> sql.Composed:
    return sql.SQL(
        """
        DELETE FROM {table} AS stored
        USING json_to_recordset(%s::json) AS given (key {key_type}, valid_from timestamptz)
        WHERE {same} AND stored.valid_from = given.valid_from
        """
    ).format(table=sql.Identifier(name), key_type=_key_type(key), same=_same_key(key))


def _end_statement(name: LiteralString, key: Sequence[LiteralString]) -> sql.Composed:
    return sql.SQL(
        """
        UPDATE {table} AS stored SET valid_to = given.valid_to
        FROM json_to_recordset(%s::json)
            AS given (key {key_type}, valid_from timestamptz, valid_to timestamptz)
        WHERE {same} AND stored.valid_from = given.valid_from
        """
    ).format(table=sql.Identifier(name), key_type=_key_type(key), same=_same_key(key))


def _add_statement(name: LiteralString, row_type: type[msgspec.Struct]) -> sql.Composed:
    fields = [sql.Identifier(field) for field in row_type.__struct_fields__]
    return sql.SQL(
        """
        INSERT INTO {table} ({columns}, valid_from, valid_to)
        SELECT {values}, given.valid_from, coalesce(given.valid_to, 'infinity')
        FROM json_to_recordset(%s::json)
            AS given ("row" {table}, valid_from timestamptz, valid_to timestamptz)
        """
    ).format(
        table=sql.Identifier(name),
        columns=sql.SQL(", ").join(fields),
        values=sql.SQL(", ").join(sql.SQL('(given."row").{}').format(field) for field in fields),
    )


def _key_type(key: Sequence[LiteralString]) -> sql.SQL:
    return sql.SQL("uuid" if len(key) == 1 else "uuid[]")


def _same_key(key: Sequence[LiteralString]) -> sql.Composable:
    """The stored row has the given key. Only `=` can use an index, only the others meet NULL."""
    if len(key) == 1:
        return sql.SQL("stored.{} = given.key").format(sql.Identifier(key[0]))
    first, *others = (sql.Identifier(column) for column in key)
    tests = [sql.SQL("stored.{} = given.key[1]").format(first)]
    tests += (
        sql.SQL("stored.{} IS NOT DISTINCT FROM given.key[{}]").format(column, sql.Literal(place))
        for place, column in enumerate(others, start=2)
    )
    return sql.SQL(" AND ").join(tests)
