"""What a running metrics service holds, for its routes to use."""

from dataclasses import dataclass

from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.writer import Writer
from services.chassis.postgres import Pool
from services.metrics.recorder import GroupRecorder


@dataclass(frozen=True, slots=True)
class Metrics:
    """What takes commands and readings, and the log and the pool that queries read."""

    writer: Writer
    recorder: GroupRecorder
    log: EventLog
    pool: Pool
