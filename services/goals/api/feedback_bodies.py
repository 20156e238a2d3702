"""The shapes of comments and acknowledgements."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field

from contracts.events import Text
from services.chassis.bodies import WORDS, Body


class CommentBody(Body):
    """Something to say to an objective, or to one of its check-ins."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "Is that with or without the sale of January?",
                    "check_in_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c05",
                }
            ]
        }
    )

    text: Annotated[Text, Field(min_length=1), WORDS]
    check_in_id: UUID | None = None


class AcknowledgeBody(Body):
    """What was taken note of: a check-in, or else the objective."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"check_in_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c05"}]}
    )

    check_in_id: UUID | None = None


THE_OBJECTIVE: Final = AcknowledgeBody()
