"""What each kind's state becomes of every event version ever stored, as digests in `states.json`.

A snapshot that yesterday's code has kept must be what today's code makes of the same events. A
state of another structure has another shape, and the old snapshots are not used any more; another
*meaning* of an event shows only here. `python -m tests.golden.states` brings the file up to date,
but refuses where a state changed within a shape: its kind needs its `snapshot_version` bumped.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from eventsourcing.persistence import StoredEvent

from services.chassis.eventstore.context import Event, LoggedEvent
from services.chassis.eventstore.snapshots import shape_of
from services.chassis.eventstore.unit import AggregateKind
from services.goals.domain.events import (
    CyclePlanned,
    KeyResultAdded,
    KeyResultCheckedIn,
    KeyResultLinked,
    ObjectiveAligned,
    ObjectiveDelegated,
    ObjectiveDrafted,
    ObjectiveProposed,
    Owner,
)
from services.goals.persistence import log as goals_log
from services.goals.persistence.log import CYCLE, OBJECTIVE
from services.metrics.domain.events import KpiDefined, KpiMeasured
from services.metrics.persistence import log as metrics_log
from services.metrics.persistence.log import KPI, PERIOD
from tests.golden.samples import FOLDER, MAPPERS, logged_sample, path_of, sample_of

FILE: Final = FOLDER / "states.json"

Digests = dict[str, dict[str, str]]
"""By shape, then by `topic.vN` of an event: the digest of the state after it."""


def _given(event_class: type[Event], **changes: Any) -> Event:
    event: Any = sample_of(event_class)
    given: Event = replace(event, **changes)
    return given


@dataclass(frozen=True, slots=True)
class Life:
    """A kind of aggregate: its service, its events' topics, what has happened to it before each.

    What has happened differs from the samples, so that each of them changes something.
    """

    kind: AggregateKind[Any]
    service: str
    topics: tuple[str, ...]
    given: tuple[Event, ...]


_LIVES: Final = (
    Life(CYCLE, "goals", ("goals.cycle.",), (_given(CyclePlanned, name="Before"),)),
    Life(
        OBJECTIVE,
        "goals",
        ("goals.objective.", "goals.key_result."),
        (
            _given(ObjectiveDrafted, title="Before", owner=Owner(kind="team", id="b"), labels=()),
            _given(ObjectiveDelegated, delegates=()),
            _given(KeyResultAdded, title="Before", target=7.0),
            _given(KeyResultCheckedIn, value=0.7),
            _given(ObjectiveAligned),
            _given(KeyResultLinked),
            _given(ObjectiveProposed),
        ),
    ),
    Life(KPI, "metrics", ("metrics.kpi.defined", "metrics.kpi.re"), (_given(KpiDefined),)),
    Life(PERIOD, "metrics", ("metrics.kpi.measured",), (_given(KpiMeasured),)),
)


def _lives() -> Iterator[Life]:
    """Every kind's; one not named above begins with the sample of its first event."""
    named = {life.kind: life for life in _LIVES}
    for service, kinds in (("goals", goals_log.KINDS), ("metrics", metrics_log.KINDS)):
        for kind in kinds:
            family = kind.first.TOPIC.rpartition(".")[0] + "."
            yield named.get(kind) or Life(kind, service, (family,), (_given(kind.first),))


class ChangedMeaningError(Exception):
    """The same events lead to another state of the same shape than they did."""

    def __init__(self, shape: str, events: list[str]) -> None:
        super().__init__(
            f"Snapshots of the shape {shape} no longer tell what a replay of {', '.join(events)} "
            f"tells: bump the `snapshot_version` of {shape.partition('.')[0]}, then run "
            "`python -m tests.golden.states`."
        )


def digests() -> Digests:
    """What today's code makes of the samples. Raises what `evolve` raises."""
    return {str(shape_of(life.kind)): _of(life) for life in _lives()}


def require_same_meaning(kept: Digests, found: Digests) -> None:
    """Raise ChangedMeaningError where a state changed although its shape did not."""
    for shape in kept.keys() & found.keys():
        both = kept[shape].keys() & found[shape].keys()
        changed = sorted(each for each in both if kept[shape][each] != found[shape][each])
        if changed:
            raise ChangedMeaningError(shape, changed)


def read(file: Path) -> Digests:
    """What was written last."""
    kept: Digests = json.loads(file.read_text()) if file.exists() else {}
    return kept


def write(file: Path) -> None:
    """Bring the file up to date. Raises ChangedMeaningError."""
    found = digests()
    require_same_meaning(read(file), found)
    file.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


def _of(life: Life) -> dict[str, str]:
    state: Any = None
    for number, event in enumerate(life.given, 1):
        logged = replace(logged_sample(type(event)), event=event, position=number)
        state = life.kind.evolve(state, logged)
    return {
        f"{event_class.TOPIC}.v{version}": _digest(life, state, event_class, version)
        for topic, event_class in sorted(MAPPERS[life.service].classes.items())
        if topic.startswith(life.topics)
        for version in range(1, event_class.VERSION + 1)
    }


def _digest(life: Life, state: Any, event_class: type[Event], version: int) -> str:
    before = None if event_class is life.kind.first else state
    after = life.kind.evolve(before, _stored_sample(life, event_class, version))
    return hashlib.sha256(msgspec.json.encode(after, order="deterministic")).hexdigest()[:16]


def _stored_sample(life: Life, event_class: type[Event], version: int) -> LoggedEvent:
    place = logged_sample(event_class)
    assert isinstance(place.originator_id, UUID)
    stored = StoredEvent(
        place.originator_id,
        len(life.given) + 1,
        event_class.TOPIC,
        path_of(life.service, event_class.TOPIC, version).read_bytes(),
    )
    logged = MAPPERS[life.service].to_domain_event(stored)
    return replace(logged, position=len(life.given) + 1, recorded_at=place.recorded_at)


if __name__ == "__main__":
    try:
        write(FILE)
    except ChangedMeaningError as error:
        sys.exit(str(error))
