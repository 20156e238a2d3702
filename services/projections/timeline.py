"""Rows in time: what each key held from when to when, without two equal versions in a row."""

from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

# A key's past as the timeline keeps it: what held from a moment on, None where nothing did.
# The last entry holds still.
_Past = list[tuple[R | None, datetime]]


class Version(NamedTuple, Generic[R]):
    """A row and the moments `[valid_from, valid_to)` in which it held; None: it still does."""

    row: R
    valid_from: datetime
    valid_to: datetime | None


class Rewrite(NamedTuple, Generic[K, R]):
    """What makes the stored versions equal to a timeline.

    `removed` and `ended` name stored versions by key and `valid_from`; the ended ones get the
    `valid_to` beside it. Removing comes before adding.
    """

    removed: list[tuple[K, datetime]]
    ended: list[tuple[K, datetime, datetime]]
    added: list[Version[R]]


class Timeline(Generic[K, R]):
    """The versions of the rows of one table, as far as they are loaded.

    A key that is not loaded counts as one that never held anything. Moments never decrease
    from one `put` to the next.
    """

    def __init__(self) -> None:
        self._pasts: dict[K, _Past[R]] = {}
        self._stored: dict[K, tuple[Version[R], ...]] = {}

    def __len__(self) -> int:
        return len(self._pasts)

    def __contains__(self, key: K) -> bool:
        return key in self._pasts

    def load(self, key: K, versions: Iterable[Version[R]]) -> None:
        """Take over what is stored for `key`, oldest first; gaps between versions are kept."""
        past: _Past[R] = []
        for version in versions:
            if past and past[-1][1] == version.valid_from:
                past.pop()
            past.append((version.row, version.valid_from))
            if version.valid_to is not None:
                past.append((None, version.valid_to))
        self._pasts[key] = past

    def get(self, key: K) -> R | None:
        """What `key` holds now."""
        past = self._pasts.get(key)
        return past[-1][0] if past else None

    def put(self, key: K, row: R | None, at: datetime) -> None:
        """Let `key` hold `row` from `at` on (None: nothing).

        Of several rows at one moment the last counts; a row equal to the one before it opens
        no new version. Both make the versions independent of how events were cut into batches.
        """
        past = self._pasts.setdefault(key, [])
        if key not in self._stored:
            self._stored[key] = _versions(past)
        if past and past[-1][1] == at:
            past.pop()
        if (past[-1][0] if past else None) != row:
            past.append((row, at))

    def versions(self, key: K) -> list[Version[R]]:
        """The loaded and added versions of `key`, oldest first."""
        return list(_versions(self._pasts.get(key, [])))

    def rewrite(self) -> Rewrite[K, R]:
        """What was changed since the last `settle`."""
        rewrite: Rewrite[K, R] = Rewrite([], [], [])
        for key, before in self._stored.items():
            _compare(key, before, _versions(self._pasts[key]), rewrite)
        return rewrite

    def settle(self, at: datetime) -> None:
        """Take what was changed as stored, and forget what ended before `at`.

        What ended exactly at `at` is kept: another event of the same moment may undo the end.
        """
        for key in self._stored:
            past = self._pasts[key]
            keep = 2 if len(past) > 1 and past[-1][1] >= at else 1
            del past[:-keep]
        self._stored.clear()


def _versions(past: _Past[R]) -> tuple[Version[R], ...]:
    ends = [since for _, since in past[1:]]
    return tuple(
        Version(row, since, until)
        for (row, since), until in zip(past, [*ends, None], strict=False)
        if row is not None
    )


def _compare(
    key: K,
    before: tuple[Version[R], ...],
    after: tuple[Version[R], ...],
    rewrite: Rewrite[K, R],
) -> None:
    new = {version.valid_from: version for version in after}
    for old in before:
        kept = new.get(old.valid_from)
        reopened = old.valid_to is not None and kept != old
        if kept is None or kept.row != old.row or reopened:
            rewrite.removed.append((key, old.valid_from))
            continue
        del new[old.valid_from]
        if kept.valid_to is not None and old.valid_to is None:
            rewrite.ended.append((key, old.valid_from, kept.valid_to))
    rewrite.added.extend(new.values())
