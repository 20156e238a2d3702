"""Rows in time: what each key held from when to when, without two equal versions in a row."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class Version(Struct, Generic[R], frozen=True, gc=False):
    """A row and the moments `[valid_from, valid_to)` in which it held; None: it still does."""

    row: R
    valid_from: datetime
    valid_to: datetime | None = None


class Removed(Struct, Generic[K], frozen=True, gc=False):
    """A stored version that never was."""

    key: K
    valid_from: datetime


class Ended(Struct, Generic[K], frozen=True, gc=False):
    """A stored version that held until `valid_to`, and no longer still does."""

    key: K
    valid_from: datetime
    valid_to: datetime


class Rewrite(NamedTuple, Generic[K, R]):
    """What makes the stored versions equal to a timeline; removing comes before adding."""

    removed: list[Removed[K]]
    ended: list[Ended[K]]
    added: list[Version[R]]


@dataclass(slots=True)
class _Held(Generic[R]):
    """What a key held from `since` on (None: nothing), and how that is stored."""

    row: R | None
    since: datetime
    stored: bool = False
    stored_until: datetime | None = None


class Timeline(Generic[K, R]):
    """The rows of one table, as far as they are loaded, and how they changed since `rewrite`.

    A key that is not loaded counts as one that never held anything. Moments never decrease
    from one `put` to the next. Of each key are kept what it holds and what it held just before:
    an event of the same moment may still undo the last change.
    """

    def __init__(self) -> None:
        self._held: dict[K, list[_Held[R]]] = {}
        self._touched: set[K] = set()
        self._rewrite: Rewrite[K, R] = Rewrite([], [], [])

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: K) -> bool:
        return key in self._held

    def load(self, key: K, versions: Iterable[Version[R]]) -> None:
        """Take over the last stored versions of `key`: what holds, and what ended just before."""
        held: list[_Held[R]] = []
        for version in versions:
            row, since, until = version.row, version.valid_from, version.valid_to
            if held and held[-1].row is None and held[-1].since == since:
                held.pop()
            held.append(_Held(row, since, stored=True, stored_until=until))
            if until is not None:
                held.append(_Held(None, until))
        self._held[key] = held[-2:]

    def get(self, key: K) -> R | None:
        """What `key` holds now."""
        held = self._held.get(key)
        return held[-1].row if held else None

    def put(self, key: K, row: R | None, at: datetime) -> None:
        """Let `key` hold `row` from `at` on (None: nothing).

        Of several rows at one moment the last counts; a row equal to the one before it opens
        no new version. Both make the versions independent of how events were cut into batches.
        """
        held = self._held.setdefault(key, [])
        self._touched.add(key)
        if held and held[-1].since == at:
            undone = held.pop()
            if undone.stored:
                self._rewrite.removed.append(Removed(key, at))
        if (held[-1].row if held else None) == row:
            return
        if len(held) > 1:
            self._settle(key, held.pop(0), held[0].since)
        held.append(_Held(row, at))

    def rewrite(self, at: datetime) -> Rewrite[K, R]:
        """What was changed since the last time this was asked, up to the moment `at`.

        From then on it counts as stored.
        """
        for key in self._touched:
            held = self._held[key]
            ends = [*(following.since for following in held[1:]), None]
            for each, until in zip(held, ends, strict=False):
                self._settle(key, each, until)
            if len(held) > 1 and held[1].since < at:
                del held[0]
        rewrite, self._rewrite = self._rewrite, Rewrite([], [], [])
        self._touched.clear()
        return rewrite

    def _settle(self, key: K, held: _Held[R], until: datetime | None) -> None:
        """Note what is to be written so that `held` is stored with the end `until`."""
        if held.row is None or (held.stored and held.stored_until == until):
            return
        if held.stored and held.stored_until is None:
            assert until is not None
            self._rewrite.ended.append(Ended(key, held.since, until))
        else:
            if held.stored:
                self._rewrite.removed.append(Removed(key, held.since))
            self._rewrite.added.append(Version(held.row, held.since, until))
        held.stored, held.stored_until = True, until
