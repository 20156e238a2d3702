"""A table of rows in time, as rewrites leave it."""

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Generic, TypeVar

from msgspec.structs import replace

from services.projections.timeline import Rewrite, Version

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class StoredVersions(Generic[K, R]):
    """Versions by key and beginning. It refuses what a table with that primary key would refuse."""

    def __init__(self) -> None:
        self.versions: dict[tuple[K, datetime], Version[R]] = {}

    def write(self, rewrite: Rewrite[K, R], key_of: Callable[[R], K]) -> None:
        for removed in rewrite.removed:
            del self.versions[removed.key, removed.valid_from]
        for ended in rewrite.ended:
            version = self.versions[ended.key, ended.valid_from]
            assert version.valid_to is None
            assert ended.valid_from < ended.valid_to
            self.versions[ended.key, ended.valid_from] = replace(version, valid_to=ended.valid_to)
        for version in rewrite.added:
            name = (key_of(version.row), version.valid_from)
            assert name not in self.versions
            assert version.valid_to is None or version.valid_from < version.valid_to
            self.versions[name] = version

    def last(self, since: datetime) -> list[Version[R]]:
        """What holds or ended at `since`, oldest first: what a new process would load."""
        versions = sorted(self.versions.values(), key=lambda version: version.valid_from)
        return [each for each in versions if each.valid_to is None or each.valid_to >= since]
