"""What the goals service is told by its environment."""

from typing import Literal

from services.chassis.settings import ServiceSettings


class GoalsSettings(ServiceSettings):
    """The settings of every service, with the defaults of this one."""

    service: Literal["goals"] = "goals"
    # The statements name the schema, because the event store's connections have no search path.
    db_schema: Literal["goals"] = "goals"
    port: int = 8601
