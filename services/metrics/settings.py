"""What the metrics service is told by its environment."""

from typing import Annotated, Literal

from pydantic import Field

from services.chassis.settings import Seconds, ServiceSettings


class MetricsSettings(ServiceSettings):
    """The settings of every service, with the defaults of this one and some of its own."""

    service: Literal["metrics"] = "metrics"
    # The statements name the schema, because the event store's connections have no search path.
    db_schema: Literal["metrics"] = "metrics"
    port: int = 8602

    # A period is measured at most once in so many seconds, however many readings it gets.
    rollup_interval_seconds: Seconds = 1.0
    # How many groups of readings a process records at once.
    recorder_lanes: Annotated[int, Field(ge=1, le=16)] = 2
