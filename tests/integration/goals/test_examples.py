"""Every example of a body in the document works when it is sent, with ids of what is there."""

from typing import Any

from tests.integration.goals.conftest import (
    LANGUAGES,
    REASON,
    RESPONSIVE,
    Json,
    Service,
    cycle_body,
    of,
)
from tests.integration.goals.documented import Operation, operations
from tests.integration.goals.metrics_log import defined, followed_by

TAGS = ("cycles", "objectives", "life cycle", "key results", "check-ins", "alignments", "feedback")
CONVERSION: Json = {
    "title": "Conversion from 5% to 8%",
    "type": "increase",
    "baseline": 5,
    "target": 8,
    "unit": "%",
}
KPI = "sales.conversion"

# What has to be done before a step is possible, beyond having an active objective.
BEFORE: dict[str, list[tuple[str, Json]]] = {
    "return": [("propose", {})],
    "approve": [("propose", {})],
    "reopen": [("postpone", REASON)],
    "rescore": [("close", {})],
    "unlink": [("link", {"kpi": KPI})],
}
OF_DRAFTS = ("propose", "activate", "return", "approve")
OF_CYCLES: dict[str, tuple[str, ...]] = {
    "revise": (),
    "activate": (),
    "start-scoring": ("activate",),
    "close": ("activate", "start-scoring"),
    "reopen": ("activate", "start-scoring"),
}


class Situation:
    """What is there for an example to be about."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ids: dict[str, Any] = {}

    async def send(self, operation: Operation, example: Json) -> None:
        """Prepare what the operation needs, and send it the example."""
        step = operation.path.rpartition("/")[2]
        if operation.tag == "cycles":
            version = await self._cycle(step)
        else:
            version = await self._objective(step, example)
        response = await self._service.admin.post(
            operation.at(self._ids),
            self._aimed(example),
            version=version if operation.versioned else None,
        )
        assert response.is_success, (operation.name, example, response.text)

    async def _cycle(self, step: str) -> int:
        planned = await self._service.admin.done("/cycles", cycle_body())
        cycle = await self._service.moved(planned, *OF_CYCLES.get(step, ()))
        self._ids = {"cycle_id": cycle["id"]}
        version: int = cycle["version"]
        return version

    async def _objective(self, step: str, example: Json) -> int:
        service = self._service
        cycle = await service.active_cycle()
        later = await service.active_cycle(starts_on="2026-07-01")
        parent, other = await service.draft(cycle), await service.draft(cycle)
        key_results = (CONVERSION, RESPONSIVE, LANGUAGES)
        start = service.draft if step in OF_DRAFTS else service.active_objective
        objective = await start(cycle, *key_results)
        self._ids = {
            # Where the example is of another type, so is the key result.
            "key_result_id": objective["key_results"][_measured_like(example)]["id"],
            "objective_id": objective["id"],
            "milestone_id": objective["key_results"][2]["milestones"][0]["id"],
            "parent_id": other["id"] if step == "realign" else parent["id"],
            "from_objective_id": parent["id"],
            "cycle_id": later["id"] if step == "carry-over" else cycle["id"],
        }
        if step not in OF_DRAFTS:
            said = await service.changed(objective, of(objective, "check-ins"), {"value": 6})
            self._ids["check_in_id"] = said["check_in_id"]
        if step in ("realign", "unalign"):
            await service.changed(objective, "align", {"objective_id": parent["id"]})
        for before, body in BEFORE.get(step, ()):
            place = of(objective, before) if before == "link" else before
            await service.changed(objective, place, body)
        version: int = (await service.shown(objective))["version"]
        self._ids["version"] = version
        return version

    def _aimed(self, example: Any) -> Any:
        """The example, about what is there."""
        if isinstance(example, list):
            return [self._aimed(each) for each in example]
        if not isinstance(example, dict):
            return example
        return {name: self._value(name, value) for name, value in example.items()}

    def _value(self, name: str, value: Any) -> Any:
        if name == "milestones_done":
            return [self._ids["milestone_id"]]
        if name == "objective_id":
            return self._ids["parent_id"]
        if name == "child_id":
            return self._ids["objective_id"]
        if name in self._ids:
            return self._ids[name]
        return self._aimed(value)


def _measured_like(example: Json) -> int:
    return 1 if "done" in example else 2 if "milestones_done" in example else 0


async def test_every_example_works_when_it_is_sent(service: Service) -> None:
    await followed_by(service).hear(defined(KPI))
    situation = Situation(service)
    sent = 0
    for operation in operations(await service.document()):
        if operation.tag in TAGS:
            for example in operation.examples:
                await situation.send(operation, example)
                sent += 1
    assert sent > len(TAGS)
