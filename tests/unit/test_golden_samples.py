"""Whatever version of an event is in somebody's log, today's code reads it.

The samples are under tests/golden; `python -m tests.golden.write` adds the one of a new version.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent

from services.chassis.eventstore.context import Event
from services.chassis.eventstore.mapper import EventMapper
from tests.golden import samples
from tests.golden.samples import FOLDER, MAPPERS, path_of, sample_of
from tests.golden.write import write_missing

EVERY_VERSION: list[tuple[str, type[Event], int]] = [
    (service, event_class, version)
    for service, mapper in MAPPERS.items()
    for event_class in mapper.classes.values()
    for version in range(1, event_class.VERSION + 1)
]


def read(service: str, topic: str, version: int) -> bytes:
    path = path_of(service, topic, version)
    assert path.exists(), (
        f"{path.name} is missing. `python -m tests.golden.write` writes the current version of "
        "every event; the sample of an older version comes from the history of this repository."
    )
    return path.read_bytes()


def with_later_context(state: bytes) -> dict[str, Any]:
    """The sample with what contexts have had since it was written, as it is understood today."""
    sample: dict[str, Any] = json.loads(state)
    sample["context"] = {"after_closing": False, **sample["context"]}
    return sample


@pytest.mark.parametrize(
    ("service", "event_class", "version"),
    EVERY_VERSION,
    ids=[f"{event_class.TOPIC}.v{version}" for _, event_class, version in EVERY_VERSION],
)
def test_every_version_ever_stored_is_read(
    service: str, event_class: type[Event], version: int
) -> None:
    mapper, topic = MAPPERS[service], event_class.TOPIC
    state = read(service, topic, version)
    logged = mapper.to_domain_event(StoredEvent(uuid4(), 1, topic, state))
    assert isinstance(logged.event, event_class)
    if version == event_class.VERSION:
        assert json.loads(mapper.to_stored_event(logged).state) == with_later_context(state)
        assert logged.event == sample_of(event_class)


def test_no_sample_is_of_an_event_that_nobody_reads() -> None:
    expected = {
        path_of(service, event_class.TOPIC, version)
        for service, event_class, version in EVERY_VERSION
    }
    assert set(FOLDER.glob("*/*.json")) == expected


@dataclass(frozen=True, slots=True, kw_only=True)
class StoneAdded:
    TOPIC: ClassVar[str] = "goals.stone.added"
    VERSION: ClassVar[int] = 1

    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoneAddedWithUnit:
    TOPIC: ClassVar[str] = "goals.stone.added"
    VERSION: ClassVar[int] = 2

    weight: float
    unit: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(samples, "FOLDER", tmp_path)
    return tmp_path / "goals"


def test_a_new_version_is_written_beside_the_old_one_which_is_still_read(folder: Path) -> None:
    write_missing("goals", EventMapper([StoneAdded]))
    old = (folder / "goals.stone.added.v1.json").read_bytes()
    mapper = EventMapper(
        [StoneAddedWithUnit],
        upcasters={("goals.stone.added", 1): lambda fields: {**fields, "unit": "kg"}},
    )
    assert write_missing("goals", mapper) == [folder / "goals.stone.added.v2.json"]
    assert (folder / "goals.stone.added.v1.json").read_bytes() == old
    _, event = mapper.decode("goals.stone.added", old)
    assert event == StoneAddedWithUnit(weight=0.1, unit="kg")


def test_a_changed_shape_without_a_new_version_does_not_pass_unnoticed(folder: Path) -> None:
    write_missing("goals", EventMapper([StoneAdded]))
    old = (folder / "goals.stone.added.v1.json").read_bytes()

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Changed:
        TOPIC: ClassVar[str] = "goals.stone.added"
        VERSION: ClassVar[int] = 1

        mass: float

    assert write_missing("goals", EventMapper([Changed])) == []
    with pytest.raises(MapperDeserialisationError):
        EventMapper([Changed]).decode("goals.stone.added", old)
