"""One stored sample of every version of every event that was ever in a log.

`<service>/<topic>.v<version>.json` holds the bytes of the log's `state` column. A sample is
written once, by the code of its version, and never again: it stands for the events of that version
in everybody's database, which nobody can rewrite either.
"""

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from services.chassis.eventstore.context import Actor, Context, Event, LoggedEvent
from services.goals.persistence import log as goals_log
from services.metrics.persistence import log as metrics_log

FOLDER: Final = Path(__file__).parent

MAPPERS: Final = {
    "goals": goals_log.event_mapper(),
    "metrics": metrics_log.event_mapper(),
}

_MOMENT: Final = datetime(2026, 3, 31, 12, 30, 15, 123456, tzinfo=UTC)
_CONTEXT: Final = Context(
    actor=Actor(id="u-7f3a", kind="human"),
    effective_at=_MOMENT,
    command_id=UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a9001"),
    correlation_id="4bf92f3577b34da6a3ce929d0e0e4736",
    causation_id="metrics:4711",
    reason="\u20ac 5 were entered as \u20ac 50 \U0001f600",
)
_VALUES: Final[dict[Any, Any]] = {
    UUID: UUID("019b5a1c-3f00-7a10-8c51-0d2f4b6a8c01"),
    str: "sales.conversion.daily",  # fits wherever a text, an id or a key is wanted
    float: 0.1,
    int: 4711,
    bool: True,
    date: date(2026, 3, 31),
    datetime: _MOMENT,
}


def path_of(service: str, topic: str, version: int) -> Path:
    """Where the sample of a topic's version is kept."""
    return FOLDER / service / f"{topic}.v{version}.json"


def logged_sample(event_class: type[Event]) -> LoggedEvent:
    """The sample of an event as it stands in the log."""
    return LoggedEvent(
        originator_id=_VALUES[UUID],
        originator_version=1,
        event=sample_of(event_class),
        context=_CONTEXT,
        position=1,
        recorded_at=_MOMENT,
    )


def sample_of(event_class: type[Event]) -> Event:
    """An event with a value in each of its fields, the same at every call."""
    event: Event = _value_of(event_class)
    return event


def _value_of(kind: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{field.name: _value_of(hints[field.name]) for field in fields(kind)})
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return (_value_of(arguments[0]),)
    if origin in (Union, UnionType):
        return _value_of(next(each for each in arguments if each is not NoneType))
    return _VALUES[kind]
