"""The index rows that follow from events, written in the transaction that appends them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import Cursor
from psycopg.rows import DictRow

from services.chassis.eventstore.arrays import (
    BigintArray,
    TextArray,
    TimestamptzArray,
    UuidArray,
)
from services.chassis.eventstore.context import Event, LoggedEvent
from services.goals.domain.events import (
    CycleActivated,
    CycleClosed,
    CyclePlanned,
    CycleReopened,
    CycleRevised,
    CycleScoringStarted,
    KeyResultLinked,
    KeyResultRemoved,
    KeyResultUnlinked,
    ObjectiveAbandoned,
    ObjectiveAcknowledged,
    ObjectiveActivated,
    ObjectiveAligned,
    ObjectiveClosed,
    ObjectiveCommented,
    ObjectiveDrafted,
    ObjectivePostponed,
    ObjectiveProposed,
    ObjectiveReassigned,
    ObjectiveReopened,
    ObjectiveReturned,
    ObjectiveRevised,
    ObjectiveUnaligned,
)
from services.goals.persistence.check_ins import index_check_ins
from services.goals.persistence.feedback import index_feedback
from services.goals.persistence.reviews import OF_REVIEWS, index_reviews

_CYCLE_STATES: Final[Mapping[type, str]] = {
    CycleActivated: "active",
    CycleScoringStarted: "scoring",
    CycleClosed: "closed",
}
_OBJECTIVE_STATES: Final[Mapping[type, str]] = {
    ObjectiveProposed: "proposed",
    ObjectiveReturned: "draft",
    ObjectiveActivated: "active",
    ObjectivePostponed: "postponed",
    ObjectiveAbandoned: "abandoned",
    ObjectiveClosed: "closed",
}


def index_events(cursor: Cursor[DictRow], events: Sequence[LoggedEvent]) -> None:
    """Write what follows from these events, given in the order of the log."""
    for logged in events:
        write = _WRITERS.get(type(logged.event))
        if write is not None:
            write(cursor, logged)
    index_check_ins(cursor, events)
    index_reviews(cursor, events)
    _touch_objectives(cursor, events)


def _plan_cycle(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, CyclePlanned)
    cursor.execute(
        "INSERT INTO goals.cycles (id, name, starts_on, ends_on, cadence, check_in_rhythm,"
        " state, version, updated_at, planned_position)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'planned', %s, %s, %s)",
        (
            logged.originator_id,
            event.name,
            event.starts_on,
            event.ends_on,
            event.cadence,
            event.check_in_rhythm,
            logged.originator_version,
            logged.recorded_at,
            logged.position,
        ),
    )


def _move_cycle(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    state = event.state if isinstance(event, CycleReopened) else _CYCLE_STATES[type(event)]
    cursor.execute(
        "UPDATE goals.cycles SET state = %s, version = %s, updated_at = %s WHERE id = %s",
        (state, logged.originator_version, logged.recorded_at, logged.originator_id),
    )


def _revise_cycle(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, CycleRevised)
    cursor.execute(
        "UPDATE goals.cycles SET name = %s, check_in_rhythm = %s, version = %s, updated_at = %s"
        " WHERE id = %s",
        (
            event.name,
            event.check_in_rhythm,
            logged.originator_version,
            logged.recorded_at,
            logged.originator_id,
        ),
    )


def _draft_objective(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, ObjectiveDrafted)
    cursor.execute(
        "INSERT INTO goals.objectives (id, cycle_id, owner_kind, owner_id, title, description,"
        " sought, labels, state, version, updated_at, drafted_position)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'draft', %s, %s, %s)",
        (
            logged.originator_id,
            event.cycle_id,
            event.owner.kind,
            event.owner.id,
            event.title,
            event.description,
            _sought(event),
            list(event.labels),
            logged.originator_version,
            logged.recorded_at,
            logged.position,
        ),
    )


def _revise_objective(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, ObjectiveRevised)
    cursor.execute(
        "UPDATE goals.objectives SET title = %s, description = %s, sought = %s, labels = %s"
        " WHERE id = %s",
        (
            event.title,
            event.description,
            _sought(event),
            list(event.labels),
            logged.originator_id,
        ),
    )


def _sought(event: ObjectiveDrafted | ObjectiveRevised) -> str:
    """What the words of a search are looked for in, with their own case folded as well."""
    return f"{event.title}\n{event.description}".casefold()


def _reassign_objective(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, ObjectiveReassigned)
    cursor.execute(
        "UPDATE goals.objectives SET owner_kind = %s, owner_id = %s WHERE id = %s",
        (event.owner.kind, event.owner.id, logged.originator_id),
    )


def _touch_objectives(cursor: Cursor[DictRow], events: Sequence[LoggedEvent]) -> None:
    """Write the version that each objective has reached, all in one statement.

    Check-ins lead to nothing else, and they are what a group is full of.
    """
    reached: dict[Any, LoggedEvent] = {}
    states: dict[Any, str] = {}
    for logged in events:
        if type(logged.event) in _OF_OTHERS:
            continue
        reached[logged.originator_id] = logged
        state = _state_after(logged.event)
        if state is not None:
            states[logged.originator_id] = state
    if reached:
        cursor.execute(
            "UPDATE goals.objectives AS o SET version = e.version, updated_at = e.updated_at,"
            " state = coalesce(e.state, o.state)"
            " FROM unnest(%(ids)s::uuid[], %(versions)s::bigint[], %(times)s::timestamptz[],"
            " %(states)s::text[]) AS e (id, version, updated_at, state) WHERE o.id = e.id",
            {
                "ids": UuidArray(list(reached)),
                "versions": BigintArray([each.originator_version for each in reached.values()]),
                "times": TimestamptzArray([_recorded_at(each) for each in reached.values()]),
                "states": TextArray([states.get(each) for each in reached]),
            },
            prepare=True,
        )


def _recorded_at(logged: LoggedEvent) -> datetime:
    assert logged.recorded_at is not None
    return logged.recorded_at


def _state_after(event: Event) -> str | None:
    """The state that an event leads to, None if it leaves it."""
    if isinstance(event, ObjectiveReopened):
        return event.state
    return _OBJECTIVE_STATES.get(type(event))


def _align(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, ObjectiveAligned)
    cursor.execute(
        "INSERT INTO goals.alignments"
        " (child_id, parent_id, parent_key_result_id, kind, weight, began_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (
            logged.originator_id,
            event.parent_objective_id,
            event.parent_key_result_id,
            event.kind,
            event.weight,
            logged.recorded_at,
        ),
    )


def _unalign(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, ObjectiveUnaligned)
    cursor.execute(
        "UPDATE goals.alignments SET ended_at = %s WHERE child_id = %s AND parent_id = %s"
        " AND parent_key_result_id IS NOT DISTINCT FROM %s AND ended_at IS NULL",
        (
            logged.recorded_at,
            logged.originator_id,
            event.parent_objective_id,
            event.parent_key_result_id,
        ),
    )


def _link(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, KeyResultLinked)
    cursor.execute(
        "INSERT INTO goals.kpi_links (objective_id, key_result_id, kpi, reading)"
        " VALUES (%s, %s, %s, %s)",
        (logged.originator_id, event.key_result_id, event.kpi, event.reading),
    )


def _unlink(cursor: Cursor[DictRow], logged: LoggedEvent) -> None:
    event = logged.event
    assert isinstance(event, KeyResultUnlinked | KeyResultRemoved)
    cursor.execute(
        "DELETE FROM goals.kpi_links WHERE objective_id = %s AND key_result_id = %s",
        (logged.originator_id, event.key_result_id),
    )


_WRITERS: Final[Mapping[type, Callable[[Cursor[DictRow], LoggedEvent], None]]] = {
    CyclePlanned: _plan_cycle,
    CycleRevised: _revise_cycle,
    CycleActivated: _move_cycle,
    CycleScoringStarted: _move_cycle,
    CycleClosed: _move_cycle,
    CycleReopened: _move_cycle,
    ObjectiveDrafted: _draft_objective,
    ObjectiveRevised: _revise_objective,
    ObjectiveReassigned: _reassign_objective,
    ObjectiveAligned: _align,
    ObjectiveUnaligned: _unalign,
    KeyResultRemoved: _unlink,
    KeyResultLinked: _link,
    KeyResultUnlinked: _unlink,
    ObjectiveCommented: index_feedback,
    ObjectiveAcknowledged: index_feedback,
}
_OF_OTHERS: Final = OF_REVIEWS | {CyclePlanned, CycleRevised, CycleReopened, *_CYCLE_STATES}
