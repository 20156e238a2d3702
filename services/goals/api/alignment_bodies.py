"""The shapes of requests about alignments: one or many."""

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.goals import AlignmentKind, Weight
from services.chassis.bodies import Body
from services.goals.domain.objective import Alignment

MAX_BULK_ALIGNMENTS: Final = 1_000


class AlignBody(Body):
    """What to align to: an objective, or one key result of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "kind": "contributes",
                    "weight": 2,
                    "reason": "Who uses us more stays, and brings others.",
                }
            ]
        }
    )

    objective_id: UUID
    key_result_id: UUID | None = None
    kind: Annotated[
        AlignmentKind, Field(description="`contributes` rolls up, `supports` is only shown.")
    ] = "contributes"
    weight: Annotated[Weight, Field(strict=True)] = 1.0

    def alignment(self) -> Alignment:
        """The domain's value."""
        return Alignment(
            parent_objective_id=self.objective_id,
            parent_key_result_id=self.key_result_id,
            kind=self.kind,
            weight=self.weight,
        )


class UnalignBody(Body):
    """Which alignment to end."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "reason": "It serves revenue now, no longer our market share.",
                }
            ]
        }
    )

    objective_id: UUID
    key_result_id: UUID | None = None


class RealignBody(AlignBody):
    """Which alignment to move, and what to align to instead."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                    "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03",
                    "kind": "contributes",
                    "weight": 2,
                    "reason": "It serves revenue now, no longer our market share.",
                }
            ]
        }
    )

    from_objective_id: UUID
    from_key_result_id: UUID | None = None

    def changes(self) -> dict[str, Any]:
        """Kind and weight, as far as they were sent."""
        sent = self.model_fields_set
        return {name: getattr(self, name) for name in ("kind", "weight") if name in sent}


class BulkAlignment(BaseModel):
    """One of many alignments, for one version of the objective that is aligned."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    child_id: UUID
    version: Annotated[int, Field(ge=1, description="The child's version, as in its ETag.")]
    objective_id: UUID
    key_result_id: UUID | None = None
    kind: AlignmentKind = "contributes"
    weight: Annotated[Weight, Field(strict=True)] = 1.0

    def alignment(self) -> Alignment:
        """The domain's value."""
        return Alignment(
            parent_objective_id=self.objective_id,
            parent_key_result_id=self.key_result_id,
            kind=self.kind,
            weight=self.weight,
        )


class BulkAlignBody(Body):
    """Many alignments: all of them are made, or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "alignments": [
                        {
                            "child_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c03",
                            "version": 2,
                            "objective_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c02",
                        }
                    ],
                    "reason": "The tree of the new quarter.",
                }
            ]
        }
    )

    alignments: Annotated[
        tuple[BulkAlignment, ...], Field(min_length=1, max_length=MAX_BULK_ALIGNMENTS)
    ]
