"""The shapes of requests on an objective's way: scored, looked back on, carried over."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.goals import Share
from services.chassis.bodies import Body, Reason
from services.goals.api.bodies import Number, OwnerBody, StorableText, StorableTitle
from services.goals.domain.carry_over import CarryOver
from services.goals.domain.objective import MAX_KEY_RESULTS, Retrospective
from services.goals.domain.scoring import Override


class OverrideFields(BaseModel):
    """A score that is set by hand, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key_result_id: UUID
    score: Annotated[Share, Field(strict=True)]
    reason: Reason

    def value(self) -> Override:
        """The domain's value."""
        return Override(key_result_id=self.key_result_id, score=self.score, reason=self.reason)


Overrides = Annotated[
    tuple[OverrideFields, ...],
    Field(max_length=MAX_KEY_RESULTS, description="Scores instead of the computed ones."),
]


class RetrospectiveFields(BaseModel):
    """What was learned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    worked: StorableText = ""
    did_not_work: StorableText = ""
    carry_on: StorableText = ""

    def value(self) -> Retrospective:
        """The domain's value."""
        return Retrospective(
            worked=self.worked, did_not_work=self.did_not_work, carry_on=self.carry_on
        )


class CloseBody(Body):
    """How an objective ended, where that is not what was computed, and what was learned."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "overrides": [
                        {
                            "key_result_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04",
                            "score": 0.6,
                            "reason": "A third of the leads came from a fair we did not plan.",
                        }
                    ],
                    "retrospective": {
                        "worked": "The shorter order form.",
                        "did_not_work": "Reminders by mail.",
                        "carry_on": "The order form on all devices.",
                    },
                }
            ]
        }
    )

    overrides: Overrides = ()
    retrospective: RetrospectiveFields | None = None


NOTHING_SET: Final = CloseBody()


class RescoreBody(Body):
    """Scores of a closed objective: what is not named is computed anew, with what was corrected."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "overrides": [
                        {
                            "key_result_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04",
                            "score": 0.6,
                            "reason": "Without returns it was 6.8%.",
                        }
                    ],
                    "reason": "Returns were counted as sales.",
                }
            ]
        }
    )

    overrides: Overrides
    reason: Annotated[Reason, Field(description="Why; kept in the history.")]


class RetrospectiveBody(RetrospectiveFields, Body):
    """What was learned from an objective; it replaces what was written before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "worked": "The shorter order form.",
                    "did_not_work": "Reminders by mail.",
                    "carry_on": "The order form on all devices.",
                }
            ]
        }
    )


class CarriedKeyResult(BaseModel):
    """A key result that is carried over; without a target it keeps the one it had."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key_result_id: UUID
    target: Number | None = None


def _each_once(
    chosen: tuple[CarriedKeyResult, ...] | None,
) -> tuple[CarriedKeyResult, ...] | None:
    if chosen is not None and len({each.key_result_id for each in chosen}) < len(chosen):
        raise ValueError("a key result is named twice")
    return chosen


class CarryOverBody(Body):
    """Into which cycle an objective goes on, and with what."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cycle_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c08",
                    "key_results": [
                        {"key_result_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c04", "target": 10}
                    ],
                    "reason": "Half of the way is done, and it pays.",
                }
            ]
        }
    )

    cycle_id: UUID
    title: StorableTitle | None = None
    owner: OwnerBody | None = None
    key_results: Annotated[
        tuple[CarriedKeyResult, ...] | None,
        Field(
            max_length=MAX_KEY_RESULTS,
            description="All that have not reached their target, if not given; each once.",
        ),
        AfterValidator(_each_once),
    ] = None
    follow_kpis: Annotated[
        bool, Field(strict=True, description="Whether they go on to follow their KPIs.")
    ] = True

    def carry_over(self) -> CarryOver:
        """The domain's value."""
        chosen = self.key_results
        return CarryOver(
            cycle_id=self.cycle_id,
            title=self.title,
            owner=self.owner.value() if self.owner else None,
            targets=(
                None if chosen is None else {each.key_result_id: each.target for each in chosen}
            ),
        )
