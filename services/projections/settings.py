"""The settings of the projection service."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from services.chassis.settings import Seconds, ServiceSettings

ALL_GROUPS = ("okrs",)

# A list in one variable, its members separated by commas.
Names = Annotated[tuple[str, ...], NoDecode, Field(min_length=1)]


class ProjectionsSettings(ServiceSettings):
    """What the projection service is told by its environment."""

    service: Literal["projections"] = "projections"
    db_schema: str = "projections"
    port: int = 8600

    # The groups of read models that this process keeps up to date, as CAIRN_PROJECTIONS_GROUPS.
    projections_groups: Names = ALL_GROUPS
    # How long a query waits for the position that Cairn-Min-Position names.
    min_position_wait_seconds: Seconds = 2.0

    @field_validator("projections_groups", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(name.strip() for name in value.split(",")))

    @field_validator("projections_groups")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not set(value) <= set(ALL_GROUPS):
            raise ValueError(f"is a list of {', '.join(ALL_GROUPS)}, separated by commas")
        return value
