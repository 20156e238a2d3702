"""What the shapes of requests share. They are strict: a misspelt field is refused."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from contracts.events import OpaqueId, Text, Title
from contracts.goals import OwnerKind
from services.chassis.bodies import (
    DAY_FORM,
    LINE,
    MOMENT_FORM,
    WORDS_OR_NOTHING,
    Body,
    Reason,
)
from services.goals.domain.events import Owner

EARLIEST_DAY: Final = date(1970, 1, 1)
LATEST_DAY: Final = date(2999, 12, 31)
EARLIEST_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MOMENT: Final = datetime(2999, 12, 31, tzinfo=UTC)

Number = Annotated[float, Field(strict=True)]
Day = Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY), DAY_FORM]
# Told in whatever zone, kept and answered in UTC; between these bounds every moment has that form.
Moment = Annotated[
    AwareDatetime,
    Field(ge=EARLIEST_MOMENT, le=LATEST_MOMENT),
    AfterValidator(lambda moment: moment.astimezone(UTC)),
    MOMENT_FORM,
]
StorableTitle = Annotated[Title, LINE]
StorableText = Annotated[Text, WORDS_OR_NOTHING]


class OwnerBody(BaseModel):
    """Who answers for an objective: an opaque id, no personal data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: OwnerKind
    id: Annotated[OpaqueId, LINE]

    def value(self) -> Owner:
        """The domain's value."""
        return Owner(kind=self.kind, id=self.id)


class ChangingBody(Body):
    """A change of what stands: fields that are not sent stay as they are."""

    def changes(self) -> dict[str, Any]:
        """What was sent, by name, in the domain's values."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set and name != "reason"
        }


class ReasonBody(Body):
    """A change that is taken with a reason only."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "The shop moves to another system first."}]}
    )

    reason: Annotated[Reason, Field(description="Why; kept in the history.")]
