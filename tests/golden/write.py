"""Writes the missing samples of stored events: `python -m tests.golden.write`.

Only current versions can be written, and an existing sample is never overwritten.
"""

import sys
from pathlib import Path

from services.chassis.eventstore.mapper import EventMapper
from tests.golden.samples import MAPPERS, logged_sample, path_of


def write_missing(service: str, mapper: EventMapper) -> list[Path]:
    """Write the samples that are not there; returns their paths."""
    written = []
    for topic, event_class in mapper.classes.items():
        path = path_of(service, topic, event_class.VERSION)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            with path.open("xb") as file:
                file.write(mapper.to_stored_event(logged_sample(event_class)).state)
            written.append(path)
    return written


if __name__ == "__main__":
    for name, mapper_ in MAPPERS.items():
        for path_ in write_missing(name, mapper_):
            sys.stdout.write(f"wrote {path_}\n")
