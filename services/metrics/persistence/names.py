"""Tables `sources` and `actors`: numbers for names, so that a reading's row stays small."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, LiteralString

from services.chassis.postgres import Connection

MAX_CACHED_NAMES: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Table:
    select: LiteralString
    insert: LiteralString


SOURCES: Final = _Table(
    select="SELECT name, number FROM metrics.sources WHERE name = ANY(%s)",
    insert=("INSERT INTO metrics.sources (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"),
)
ACTORS: Final = _Table(
    select="SELECT name, number FROM metrics.actors WHERE name = ANY(%s)",
    insert="INSERT INTO metrics.actors (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
)


class Numbers:
    """Gives names numbers, the same for ever and in every process."""

    def __init__(self, table: _Table) -> None:
        self._table = table
        self._known: OrderedDict[str, int] = OrderedDict()

    async def of(self, connection: Connection, names: AbstractSet[str]) -> Mapping[str, int]:
        """The number of each name; names seen for the first time get one.

        The connection must be outside a transaction: a number that were rolled back after it was
        remembered here would be given twice.
        """
        numbers = self._cached(names)
        missing = sorted(names - numbers.keys())
        if missing:
            numbers |= await self._select(connection, missing)
            unknown = [name for name in missing if name not in numbers]
            if unknown:
                await connection.execute(self._table.insert, (unknown,))
                numbers |= await self._select(connection, unknown)
            self._remember((name, numbers[name]) for name in missing)
        return numbers

    def _cached(self, names: AbstractSet[str]) -> dict[str, int]:
        return {name: self._known[name] for name in names if name in self._known}

    async def _select(self, connection: Connection, names: list[str]) -> dict[str, int]:
        cursor = await connection.execute(self._table.select, (names,), prepare=True)
        return dict(await cursor.fetchall())

    def _remember(self, numbered: Iterable[tuple[str, int]]) -> None:
        self._known.update(numbered)
        while len(self._known) > MAX_CACHED_NAMES:
            self._known.popitem(last=False)
