"""Snapshots: the state of an aggregate after every hundredth event, so that no read begins at one.

A snapshot is derived data and must never tell anything else than the replay of the events. Hence:

- It is taken where its state is at hand anyway: by the writer, in the transaction that appends the
  event it follows, and by whoever has replayed a history that lacks it. The first costs no round
  trip, an encoded state for every hundredth event, and cannot come to stand without its event; the
  second mends what was deleted, never taken, or has another shape now. A step in the background
  would have needed a leader and a checkpoint, and would have run behind a busy log.
- What cannot be encoded, or is not equal once it is decoded, is not kept. No command fails of it.
- It is used only where the log holds the very event that it was taken after: same aggregate and
  version, same position and moment. A log that was rewound and went on is not fooled by it.
- Its shape names the kind, the kind's `snapshot_version` and a digest of the state's structure.
  What has another shape is not decoded. A changed structure thus needs no new number; a change of
  what events *mean* for the state does.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import structlog
from psycopg.sql import SQL

from services.chassis.eventstore.arrays import BigintArray, ByteaArray, TextArray, UuidArray
from services.chassis.eventstore.context import LoggedEvent
from services.chassis.eventstore.unit import AggregateKind, Loaded

S = TypeVar("S")

EVENTS_PER_SNAPSHOT: Final = 100
# A state that grew beyond this is replayed: keeping it again and again would cost more.
MAX_STATE_BYTES: Final = 1 << 20

_DIGEST_CHARACTERS: Final = 16
_ENCODER: Final = msgspec.json.Encoder()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A row of `stored_snapshots`: how an aggregate stood after the event at `position`."""

    aggregate_id: UUID
    version: int
    shape: str
    state: bytes
    position: int
    recorded_at: datetime


@cache
def shape_of(kind: AggregateKind[Any]) -> str | None:
    """Under what name snapshots of this kind are kept today; None for a kind that has none.

    Raises TypeError for a state that cannot be encoded.
    """
    if kind.state is None:
        return None
    _decoder(kind)
    structure = json.dumps(_without_prose(msgspec.json.schema(kind.state)), sort_keys=True)
    digest = hashlib.sha256(structure.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{kind.name}.{kind.snapshot_version}.{digest}"


def take(loaded: Loaded[Any], last: LoggedEvent) -> Snapshot | None:
    """The snapshot that is due after this event, which led to `loaded`; None when none is.

    It never raises: a state that cannot be kept is replayed.
    """
    if loaded.version % EVENTS_PER_SNAPSHOT or loaded.kind.state is None:
        return None
    shape = shape_of(loaded.kind)
    assert shape is not None
    assert last.position is not None
    assert last.recorded_at is not None
    try:
        state = _encoded(loaded)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the event is recorded
        log.warning("snapshot_not_taken", aggregate=str(loaded.id), error=str(error))
        return None
    return Snapshot(loaded.id, loaded.version, shape, state, last.position, last.recorded_at)


def restore(kind: AggregateKind[S], snapshot: Snapshot) -> Loaded[S] | None:
    """The aggregate as it was; None when the snapshot is of another shape, or damaged."""
    if kind.state is None or snapshot.shape != shape_of(kind):
        return None
    try:
        state: S = _decoder(kind).decode(snapshot.state)
    except msgspec.MsgspecError as error:
        log.warning("snapshot_damaged", aggregate=str(snapshot.aggregate_id), error=str(error))
        return None
    return Loaded(snapshot.aggregate_id, snapshot.version, state, kind)


def as_parameters(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """What `KEEP` takes. All keep theirs in the same order, so that none waits in a circle."""
    rows = sorted(snapshots, key=lambda each: (each.aggregate_id, each.version))
    return {
        "ids": UuidArray([each.aggregate_id for each in rows]),
        "versions": BigintArray([each.version for each in rows]),
        "shapes": TextArray([each.shape for each in rows]),
        "states": ByteaArray([each.state for each in rows]),
        "positions": BigintArray([each.position for each in rows]),
        "moments": [each.recorded_at for each in rows],
    }


# Who replays may keep what the writer has just kept as well, so the second one gives way.
KEEP: Final = SQL(
    "INSERT INTO {snapshots}"
    " (originator_id, originator_version, shape, state, position, recorded_at)"
    " SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::bigint[], %(shapes)s::text[],"
    " %(states)s::bytea[], %(positions)s::bigint[], %(moments)s::timestamptz[])"
    " ON CONFLICT DO NOTHING"
)


def _encoded(loaded: Loaded[Any]) -> bytes:
    """The state's bytes, from which exactly this state comes back."""
    state = _ENCODER.encode(loaded.state)
    if len(state) > MAX_STATE_BYTES:
        raise ValueError(f"a state of {len(state)} bytes is too large to keep")
    if _decoder(loaded.kind).decode(state) != loaded.state:
        raise ValueError("the state would come back as another one")
    return state


@cache
def _decoder(kind: AggregateKind[Any]) -> msgspec.json.Decoder[Any]:
    assert kind.state is not None
    return msgspec.json.Decoder(kind.state)


def _without_prose(schema: Any) -> Any:
    """The schema without the docstrings in it; a *property* of that name is no text."""
    if isinstance(schema, dict):
        return {
            name: _without_prose(value)
            for name, value in schema.items()
            if name != "description" or not isinstance(value, str)
        }
    if isinstance(schema, list):
        return [_without_prose(each) for each in schema]
    return schema
