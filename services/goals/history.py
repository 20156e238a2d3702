"""What happened to an objective, told: a sentence for each event, and what it changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain import objective as objectives
from services.goals.domain.events import (
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultLinked,
    KeyResultMeasured,
    KeyResultUnlinked,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveClosed,
    ObjectiveDrafted,
    ObjectiveUnaligned,
)
from services.goals.domain.key_result import KeyResult
from services.goals.domain.objective import Objective

# They change with every event and say nothing that the entry does not say itself.
_ALWAYS_CHANGING: Final = frozenset({"/changed_at", "/position"})

Before = Objective | None


@dataclass(frozen=True, slots=True)
class Change:
    """One value of the state that an event changed; None where there was or is none.

    `path` is a JSON Pointer; key results and alignments are named by what they are of.
    """

    path: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of an objective's history, what it changed, and a sentence that tells it."""

    logged: LoggedEvent
    changes: list[Change]
    sentence: str


def tell(before: Before, logged: LoggedEvent) -> tuple[Objective, Entry]:
    """The objective after the event, and the event told."""
    after = objectives.evolve(before, logged)
    return after, Entry(logged, _changes(before, after), _sentence(before, logged))


def _changes(before: Before, after: Objective) -> list[Change]:
    old = _leaves(before) if before is not None else {}
    new = _leaves(after)
    paths = dict.fromkeys([*old, *new])  # in the order of the state, each once
    return [
        Change(path, old.get(path), new.get(path))
        for path in paths
        if path not in _ALWAYS_CHANGING and old.get(path) != new.get(path)
    ]


def _leaves(state: Objective) -> dict[str, object]:
    """Every scalar of the state by its path."""
    leaves: dict[str, object] = {}
    waiting: list[tuple[str, Any]] = [("", msgspec.to_builtins(state))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{path}/{key}", each) for key, each in reversed(value.items()))
        elif isinstance(value, list | tuple):
            waiting.extend((f"{path}/{_name(each)}", each) for each in reversed(value))
        else:
            leaves[path] = value
    return leaves


def _name(member: Mapping[str, Any]) -> str:
    """What tells a member of a list from the others: an index would move with its neighbours."""
    if "id" in member:
        return str(member["id"])
    key_result = member["parent_key_result_id"]
    parent = str(member["parent_objective_id"])
    return parent if key_result is None else f"{parent}:{key_result}"


def _sentence(before: Before, logged: LoggedEvent) -> str:
    context = logged.context
    told = _ended(f"{context.actor.id} {_TELLERS[type(logged.event)](before, logged.event)}")
    return f"{told} Reason: {_ended(context.reason)}" if context.reason else told


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _drafted(_: Before, event: ObjectiveDrafted) -> str:
    owner = event.owner
    return f"drafted “{event.title}” for the {owner.kind} {owner.id} ({event.ambition})"


def _added(_: Before, event: KeyResultAdded) -> str:
    way = f"from {event.baseline:g} to {_amount(event.target, event.unit)}"
    return f"added the key result “{event.title}”: {event.type} {way}, weight {event.weight:g}"


def _aligned(_: Before, event: ObjectiveAligned) -> str:
    place = _place(event)
    if event.kind == "supports":
        return f"aligned it below {place}, as support"
    return f"aligned it below {place}, contributing with weight {event.weight:g}"


def _unaligned(_: Before, event: ObjectiveUnaligned) -> str:
    return f"ended its alignment below {_place(event)}"


def _activated(_: Before, _event: ObjectiveActivated) -> str:
    return "activated it"


def _checked_in(before: Before, event: KeyResultCheckedIn) -> str:
    found = _key_result(before, event)
    told = [f"checked in {_value(found, event.value)} on “{found.definition.title}”{_was(found)}"]
    if event.confidence is not None:
        told.append(f"confidence {event.confidence:.0%}")
    if event.status is not None:
        told.append(event.status.replace("_", " "))
    return ", ".join(told) + (f": {event.comment}" if event.comment else "")


def _linked(before: Before, event: KeyResultLinked) -> str:
    title = _key_result(before, event).definition.title
    return f"had “{title}” follow the KPI {event.kpi} ({event.reading} value)"


def _unlinked(before: Before, event: KeyResultUnlinked) -> str:
    title = _key_result(before, event).definition.title
    return f"had “{title}” no longer follow the KPI {event.kpi}"


def _measured(before: Before, event: KeyResultMeasured) -> str:
    found = _key_result(before, event)
    return (
        f"measured {_value(found, event.value)} on “{found.definition.title}”{_was(found)} "
        f"by the KPI {event.kpi}, period from {event.period_start.isoformat()}"
    )


def _closed(_: Before, event: ObjectiveClosed) -> str:
    return f"closed it with a score of {event.score:.3g}: {event.verdict}"


_TELLERS: Final[Mapping[type, Callable[[Before, Any], str]]] = {
    ObjectiveDrafted: _drafted,
    KeyResultAdded: _added,
    ObjectiveAligned: _aligned,
    ObjectiveUnaligned: _unaligned,
    ObjectiveActivated: _activated,
    KeyResultCheckedIn: _checked_in,
    KeyResultLinked: _linked,
    KeyResultUnlinked: _unlinked,
    KeyResultMeasured: _measured,
    ObjectiveClosed: _closed,
}


def _key_result(
    before: Before,
    event: KeyResultCheckedIn | KeyResultLinked | KeyResultUnlinked | KeyResultMeasured,
) -> KeyResult:
    assert before is not None
    return before.key_result(event.key_result_id)


def _place(event: ObjectiveAligned | ObjectiveUnaligned) -> str:
    if event.parent_key_result_id is None:
        return f"the objective {event.parent_objective_id}"
    return f"the key result {event.parent_key_result_id} of {event.parent_objective_id}"


def _was(found: KeyResult) -> str:
    return f" (was {_value(found, found.current.value)})" if found.current else ""


def _value(found: KeyResult, value: float) -> str:
    return _amount(value, found.definition.unit)


def _amount(value: float, unit: str) -> str:
    return f"{value:g} {unit}".rstrip()
