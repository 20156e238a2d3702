"""What a running goals service holds, for its routes to use."""

from dataclasses import dataclass

from services.chassis.eventstore.reading import EventLog
from services.chassis.eventstore.writer import Writer
from services.chassis.postgres import Pool


@dataclass(frozen=True, slots=True)
class Goals:
    """The writer that takes commands, and the log and the pool that queries read."""

    writer: Writer
    log: EventLog
    pool: Pool
