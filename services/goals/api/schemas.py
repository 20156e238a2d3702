"""What the shapes of responses share."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Base of responses."""

    model_config = ConfigDict(frozen=True)


class ActorShape(Shape):
    """Who acted."""

    id: str
    kind: Literal["human", "service", "automation"]
