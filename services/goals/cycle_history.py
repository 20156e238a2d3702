"""What happened to a cycle, told: a sentence for each event, and what it changed."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from services.chassis.eventstore.context import LoggedEvent
from services.goals.domain import cycle as cycles
from services.goals.domain.cycle import Cycle
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CyclePlanned,
    CycleReopened,
    CycleRevised,
    CycleScoringStarted,
)
from services.goals.history import Entry, changes, sentence

Before = Cycle | None


def tell(before: Before, logged: LoggedEvent) -> tuple[Cycle, Entry]:
    """The cycle after the event, and the event told."""
    after = cycles.evolve(before, logged)
    what = _TELLERS[type(logged.event)](before, logged.event)
    return after, Entry(logged, changes(before, after), sentence(logged, what))


def _planned(_: Before, event: CyclePlanned) -> str:
    days = f"{event.starts_on} to {event.ends_on}"
    return f"planned “{event.name}”, {days} ({event.cadence}, {event.check_in_rhythm} check-ins)"


def _revised(before: Before, event: CycleRevised) -> str:
    assert before is not None
    changed = []
    if event.name != before.name:
        changed.append(f"renamed it from “{before.name}” to “{event.name}”")
    if event.check_in_rhythm != before.check_in_rhythm:
        changed.append(f"asked for {event.check_in_rhythm} check-ins")
    return " and ".join(changed)


def _activated(_: Before, __: CycleActivated) -> str:
    return "activated it"


def _scoring_started(_: Before, __: CycleScoringStarted) -> str:
    return "began to score it"


def _closed(_: Before, __: CycleClosed) -> str:
    return "closed it"


def _reopened(_: Before, event: CycleReopened) -> str:
    return f"reopened it: it is {event.state} again"


_TELLERS: Final[Mapping[type, Callable[[Before, Any], str]]] = {
    CyclePlanned: _planned,
    CycleRevised: _revised,
    CycleActivated: _activated,
    CycleScoringStarted: _scoring_started,
    CycleClosed: _closed,
    CycleReopened: _reopened,
}
