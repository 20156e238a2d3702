"""Filters that the queries share: which objectives to show."""

from typing import Annotated

from fastapi import Query

from contracts.goals import Label, ObjectiveState

States = Annotated[
    list[ObjectiveState] | None,
    Query(alias="state", description="Only objectives in this state; it may be repeated."),
]
WithLabel = Annotated[
    Label | None, Query(alias="label", description="Only objectives with this label.")
]
