"""What happened to an objective, told: a sentence for each event, and what it changed."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from services.chassis.eventstore.context import Event, LoggedEvent
from services.goals.domain.events import CheckInCorrected, KeyResultCheckedIn
from services.goals.domain.evolving import evolve
from services.goals.domain.objective import Objective
from services.goals.telling import told

# They change with every event and say nothing that the entry does not say itself.
_ALWAYS_CHANGING: Final = frozenset({"/changed_at", "/position", "/decided"})

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
    after = evolve(before, logged)
    words = sentence(logged, told(before, logged.event))
    changed = changes(before, after) or _of_the_past(logged.event)
    return after, Entry(logged, changed, words)


def _of_the_past(event: Event) -> list[Change]:
    """What a check-in says that changes nothing current: it joins those of its time."""
    if isinstance(event, KeyResultCheckedIn):
        return [Change(f"/check_ins/{event.check_in_id}/value", None, event.value)]
    if isinstance(event, CheckInCorrected):
        return [Change(f"/check_ins/{event.check_in_id}/value", event.was, event.value)]
    return []


def changes(before: object | None, after: object) -> list[Change]:
    """The values of an aggregate's state that changed, in the order of the state."""
    old = _leaves(before) if before is not None else {}
    new = _leaves(after)
    paths = dict.fromkeys([*old, *new])  # in the order of the state, each once
    return [
        Change(path, old.get(path), new.get(path))
        for path in paths
        if path not in _ALWAYS_CHANGING and old.get(path) != new.get(path)
    ]


def _leaves(state: object) -> dict[str, object]:
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


def _name(member: Any) -> str:
    """What tells a member of a list from the others: an index would move with its neighbours."""
    if not isinstance(member, dict):
        return _escaped(str(member))  # a label, or the id of a milestone that is done
    if member.keys() == {"kind", "id"}:
        return _escaped(f"{member['kind']}:{member['id']}")  # a team may be called as a person is
    for name in ("id", "key_result_id", "on"):
        if name in member:
            return str(member[name])
    key_result = member["parent_key_result_id"]
    parent = str(member["parent_objective_id"])
    return parent if key_result is None else f"{parent}:{key_result}"


def _escaped(name: str) -> str:
    """As one part of a JSON Pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def sentence(logged: LoggedEvent, what: str) -> str:
    """Who did it, what that was, and why."""
    context = logged.context
    after_closing = "After closing: " if context.after_closing else ""
    said = _ended(f"{after_closing}{context.actor.id} {what}")
    return f"{said} Reason: {_ended(context.reason)}" if context.reason else said


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
