"""The shapes of requests about cycles."""

from pydantic import ConfigDict

from contracts.goals import Cadence, CheckInRhythm
from services.chassis.bodies import Body
from services.goals.api.bodies import ChangingBody, Day, StorableTitle


class CycleBody(Body):
    """A cycle to plan. `ends_on` is its last day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "2026 Q1",
                    "starts_on": "2026-01-01",
                    "ends_on": "2026-03-31",
                    "cadence": "quarter",
                    "check_in_rhythm": "weekly",
                }
            ]
        }
    )

    name: StorableTitle
    starts_on: Day
    ends_on: Day
    cadence: Cadence
    check_in_rhythm: CheckInRhythm = "weekly"


class ReviseCycleBody(ChangingBody):
    """What a cycle is called and how often it is checked in on; its dates are fixed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"check_in_rhythm": "biweekly", "reason": "Weekly was too much."}]
        }
    )

    name: StorableTitle | None = None
    check_in_rhythm: CheckInRhythm | None = None
