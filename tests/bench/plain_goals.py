"""The baseline: the check-in endpoint on FastAPI and the eventsourcing library, used plainly.

As their documentation shows it: a synchronous endpoint, an aggregate with `@event` methods,
`repository.get`, `save`. Run as `python -m tests.bench.plain_goals PORT`; PostgreSQL comes from
the library's own environment variables.
"""

import sys
from uuid import UUID

import uvicorn
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from fastapi import FastAPI
from pydantic import BaseModel


class Objective(Aggregate):
    """An objective with key results, reduced to what a check-in touches."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.values: dict[str, float] = {}
        self.confidence: float | None = None
        self.comment = ""

    @event("KeyResultCheckedIn")
    def check_in(
        self, key_result: str, value: float, confidence: float | None, comment: str
    ) -> None:
        """Note how a key result stands."""
        self.values[key_result] = value
        self.confidence = confidence
        self.comment = comment


class Goals(Application[UUID]):
    """The application as the library's examples write it."""

    def draft(self, title: str) -> UUID:
        """Write an objective down."""
        objective = Objective(title)
        self.save(objective)
        return objective.id

    def check_in(self, objective_id: UUID, key_result: str, check_in: "CheckIn") -> Objective:
        """Record a check-in."""
        objective: Objective = self.repository.get(objective_id)
        objective.check_in(key_result, check_in.value, check_in.confidence, check_in.comment)
        self.save(objective)
        return objective


class CheckIn(BaseModel):
    """The body of a check-in."""

    value: float
    confidence: float | None = None
    comment: str = ""


class Standing(BaseModel):
    """The answer to a check-in."""

    id: UUID
    version: int
    values: dict[str, float]


def create() -> FastAPI:
    """The application with its two endpoints."""
    app = FastAPI()
    goals = Goals(env={"AGGREGATE_CACHE_MAXSIZE": "1000"})

    @app.post("/v1/objectives", status_code=201)
    def draft(title: str) -> UUID:
        return goals.draft(title)

    @app.post("/v1/objectives/{objective_id}/key-results/{key_result}/check-ins", status_code=201)
    def check_in(objective_id: UUID, key_result: str, body: CheckIn) -> Standing:
        objective = goals.check_in(objective_id, key_result, body)
        return Standing(id=objective.id, version=objective.version, values=objective.values)

    return app


if __name__ == "__main__":
    uvicorn.run(create(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
