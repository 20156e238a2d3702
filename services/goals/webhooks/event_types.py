"""Which events a webhook wants: types, or patterns in which `*` stands for any characters."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Final

from contracts import goals
from services.goals.webhooks.errors import UnknownEventTypeError

PATTERN: Final = r"^[a-z0-9_.*]{1,100}$"
PUBLISHED_TYPES: Final = frozenset(event.TYPE for event in goals.PUBLISHED)


def refuse_unknown_types(
    patterns: Sequence[str], published: Collection[str] = PUBLISHED_TYPES
) -> None:
    """Raise UnknownEventTypeError for a pattern that matches nothing that is ever published."""
    for pattern in patterns:
        if not any(fnmatchcase(each, pattern) for each in published):
            raise UnknownEventTypeError(pattern)


def is_wanted(event_type: str, patterns: Sequence[str]) -> bool:
    """Whether an event of this type matches one of the patterns."""
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)
