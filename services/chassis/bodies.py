"""What every request body of a command has: strictness, and room for a reason."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

# PostgreSQL stores every character but this one.
STORABLE: Final = Field(pattern=r"^[^\x00]*$")

# Blanks alone are no reason. Spelt out, since dialects disagree on what else `\s` stands for.
Reason = Annotated[
    str,
    Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\x00-\x20][^\x00]*$"),
]


class Body(BaseModel):
    """Base of request bodies: a misspelt field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    reason: Annotated[Reason | None, Field(description="Why; kept in the history.")] = None


class EmptyBody(Body):
    """A change that takes nothing but a reason."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "As agreed in the review on Monday."}]}
    )


NO_REASON: Final = EmptyBody()
