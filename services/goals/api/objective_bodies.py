"""The shapes of requests about objectives: drafted, revised, handed on."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from contracts.goals import Ambition, Label
from services.chassis.bodies import Body
from services.goals.api.bodies import ChangingBody, OwnerBody, StorableText, StorableTitle
from services.goals.api.key_result_bodies import KeyResultFields
from services.goals.domain.objective import MAX_DELEGATES, MAX_KEY_RESULTS, MAX_LABELS, Wording

Delegates = Annotated[
    tuple[OwnerBody, ...],
    Field(max_length=MAX_DELEGATES, description="Who else may change it, in its owner's name."),
]
Labels = Annotated[tuple[Label, ...], Field(max_length=MAX_LABELS)]


class ObjectiveBody(Body):
    """An objective to draft, with as many key results as are known by now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cycle_id": "019b5a1c-3f00-7a10-8c51-0d2f4b6a8c01",
                    "title": "Increase sales revenue by 20%",
                    "description": "More of those who look should buy, and buy more.",
                    "owner": {"kind": "team", "id": "team-sales"},
                    "ambition": "aspirational",
                    "key_results": [
                        {
                            "title": "Conversion from 5% to 8%",
                            "type": "increase",
                            "baseline": 5,
                            "target": 8,
                            "stretch": 9,
                            "unit": "%",
                            "weight": 2,
                        },
                        {
                            "title": "Average purchase up by 10%",
                            "type": "increase",
                            "baseline": 60,
                            "target": 66,
                            "unit": "EUR",
                        },
                    ],
                }
            ]
        }
    )

    cycle_id: UUID
    title: StorableTitle
    description: StorableText = ""
    owner: OwnerBody
    delegates: Delegates = ()
    ambition: Ambition = "committed"
    labels: Labels = ()
    key_results: Annotated[tuple[KeyResultFields, ...], Field(max_length=MAX_KEY_RESULTS)] = ()

    def wording(self) -> Wording:
        """The domain's value."""
        return Wording(
            title=self.title,
            description=self.description,
            ambition=self.ambition,
            labels=self.labels,
        )


class ReviseObjectiveBody(ChangingBody):
    """What an objective is called and said to be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Increase sales revenue without discounts",
                    "labels": ["revenue", "2026"],
                    "reason": "Discounts would have met the numbers and missed the point.",
                }
            ]
        }
    )

    title: StorableTitle = ""
    description: StorableText = ""
    ambition: Ambition = "committed"
    labels: Labels = ()


class ReassignBody(Body):
    """Who answers for the objective from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "owner": {"kind": "team", "id": "team-shop"},
                    "reason": "The shop has a team of its own now.",
                }
            ]
        }
    )

    owner: OwnerBody


class DelegateBody(Body):
    """Who may change the objective in its owner's name; none for nobody."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"delegates": [{"kind": "person", "id": "u-19d2"}]}]}
    )

    delegates: Delegates
