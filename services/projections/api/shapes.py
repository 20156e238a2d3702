"""What the shapes of all answers have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.goals import OwnerKind

Position = Annotated[str, Field(examples=["goals:1234"], description="The last one applied.")]


class Shape(BaseModel):
    """Base of all shapes: nothing is answered that is not documented."""

    model_config = ConfigDict(extra="forbid")


class OwnerShape(Shape):
    """Who answers for an objective: an opaque id."""

    kind: OwnerKind
    id: str
