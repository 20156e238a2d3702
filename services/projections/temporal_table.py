"""A table of rows in time: read by key, and brought up to date in sets, never row by row."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar, Final, Generic, LiteralString, Protocol, TypeVar

import msgspec
from psycopg import sql
from psycopg.rows import DictRow, dict_row

from services.chassis.postgres import Connection
from services.projections.timeline import Rewrite, Version

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound="KeyedRow")

_STILL_HOLDS: Final = "infinity"


class KeyedRow(Protocol):
    """A struct that knows what tells it from the others of its table."""

    __struct_fields__: ClassVar[tuple[str, ...]]

    @property
    def key(self) -> Any:
        """Its key: one value, or a tuple with one for each key column."""


class TemporalTable(Generic[K, R]):
    """One table with a column for each field of `row_type`, then `valid_from` and `valid_to`.

    `key` gives the columns that tell rows apart with their types; only the first is never NULL.
    The statements are put together from these names, which are constants of the code.
    """

    def __init__(
        self, name: LiteralString, row_type: type[R], key: Mapping[str, LiteralString]
    ) -> None:
        self._row_type = row_type
        self._fields = row_type.__struct_fields__
        self._key_width = len(key)
        self._last_versions = _last_versions_statement(name, self._fields, key)
        self._remove = _remove_statement(name, key)
        self._end = _end_statement(name, key)
        self._copy = _copy_statement(name, self._fields)

    async def load(
        self,
        connection: Connection,
        keys: Sequence[K],
        since: datetime,
        take: Callable[[K, list[Version[R]]], None],
    ) -> None:
        """Give `take`, of the rows of these single-column keys, what holds or ended at `since`."""
        if keys:
            parameters = {"keys": list(keys), "since": since}
            await self.load_selected(connection, self._last_versions, parameters, take)

    async def load_selected(
        self,
        connection: Connection,
        statement: LiteralString | sql.Composed,
        parameters: Mapping[str, Any],
        take: Callable[[K, list[Version[R]]], None],
    ) -> None:
        """Give `take` the versions that a statement selects, ordered by key and `valid_from`.

        It selects the columns of the table, with NULL for a `valid_to` of infinity.
        """
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, parameters)
            versions = [self._version(row) for row in await cursor.fetchall()]
        for key, of_key in groupby(versions, lambda version: version.row.key):
            take(key, list(of_key))

    async def write(self, connection: Connection, rewrite: Rewrite[K, R]) -> None:
        """Make the stored versions equal to the timeline that `rewrite` comes from."""
        if rewrite.removed:
            keys, since = zip(*rewrite.removed, strict=True)
            await connection.execute(self._remove, [*self._key_columns(keys), list(since)])
        if rewrite.ended:
            keys, since, until = zip(*rewrite.ended, strict=True)
            columns = [*self._key_columns(keys), list(since), list(until)]
            await connection.execute(self._end, columns)
        if rewrite.added:
            await self._add(connection, rewrite.added)

    async def _add(self, connection: Connection, versions: Iterable[Version[R]]) -> None:
        async with connection.cursor() as cursor, cursor.copy(self._copy) as copy:
            for version in versions:
                await copy.write_row(self._values(version))

    def _key_columns(self, keys: Iterable[Any]) -> list[list[Any]]:
        """The keys as one list per key column."""
        if self._key_width == 1:
            return [list(keys)]
        return [list(column) for column in zip(*keys, strict=True)]

    def _version(self, row: DictRow) -> Version[R]:
        held = msgspec.convert(row, self._row_type)
        return Version(held, row["valid_from"], row["valid_to"])

    def _values(self, version: Version[R]) -> list[object]:
        row, since, until = version
        values = [_column_value(getattr(row, field)) for field in self._fields]
        values += (since, _STILL_HOLDS if until is None else until)
        return values


def _column_value(value: object) -> object:
    # A tuple is a composite to the driver, a list an array.
    return list(value) if isinstance(value, tuple) else value


def _last_versions_statement(
    name: LiteralString, fields: Iterable[str], key: Mapping[str, LiteralString]
) -> sql.Composed:
    """The version that holds, and the one before it if that ended at `since`.

    A moment makes at most one version, so there is never a second one that ended then.
    """
    column, kind = next(iter(key.items()))
    return sql.SQL(
        """
        SELECT {fields}, valid_from, nullif(valid_to, 'infinity') AS valid_to
        FROM unnest({keys}) AS wanted (key)
        CROSS JOIN LATERAL (
            SELECT * FROM {table} AS stored
            WHERE stored.{column} = wanted.key ORDER BY stored.valid_from DESC LIMIT 2
        ) AS last
        WHERE last.valid_to >= %(since)s
        ORDER BY {column}, valid_from
        """
    ).format(
        fields=sql.SQL(", ").join(map(sql.Identifier, fields)),
        keys=sql.SQL("%(keys)s::" + kind + "[]"),
        table=sql.Identifier(name),
        column=sql.Identifier(column),
    )


def _remove_statement(name: LiteralString, key: Mapping[str, LiteralString]) -> sql.Composed:
    return sql.SQL("DELETE FROM {table} AS stored USING {given} WHERE {same}").format(
        table=sql.Identifier(name),
        given=_given({**key, "valid_from": "timestamptz"}),
        same=_same(key),
    )


def _end_statement(name: LiteralString, key: Mapping[str, LiteralString]) -> sql.Composed:
    return sql.SQL(
        "UPDATE {table} AS stored SET valid_to = given.valid_to FROM {given} WHERE {same}"
    ).format(
        table=sql.Identifier(name),
        given=_given({**key, "valid_from": "timestamptz", "valid_to": "timestamptz"}),
        same=_same(key),
    )


def _copy_statement(name: LiteralString, fields: Iterable[str]) -> sql.Composed:
    columns = (*fields, "valid_from", "valid_to")
    return sql.SQL("COPY {table} ({columns}) FROM STDIN").format(
        table=sql.Identifier(name), columns=sql.SQL(", ").join(map(sql.Identifier, columns))
    )


def _given(columns: Mapping[str, LiteralString]) -> sql.Composed:
    """One array parameter per column, as the rows of a table named `given`."""
    arrays = sql.SQL(", ").join(sql.SQL("%s::" + kind + "[]") for kind in columns.values())
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("unnest({arrays}) AS given ({names})").format(arrays=arrays, names=names)


def _same(key: Mapping[str, LiteralString]) -> sql.Composed:
    """The stored row is the given version. Only `=` can use an index, only the others meet NULL."""
    first, *others = (sql.Identifier(column) for column in key)
    tests = [sql.SQL("stored.{0} = given.{0}").format(first)]
    tests += (sql.SQL("stored.{0} IS NOT DISTINCT FROM given.{0}").format(o) for o in others)
    return sql.SQL(" AND ").join([*tests, sql.SQL("stored.valid_from = given.valid_from")])
