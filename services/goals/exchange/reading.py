"""A JSON document read as a plan: what can be read of it, and all that is wrong with the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from services.chassis.bodies import Reason
from services.goals.domain.definition import require_definition, require_number
from services.goals.domain.errors import GoalsError
from services.goals.exchange import identity
from services.goals.exchange.findings import Finding, Place, code_of, located
from services.goals.exchange.plan import (
    FORMAT,
    MAX_PLAN_KEY_RESULTS,
    MAX_PLAN_OBJECTIVES,
    PlannedCycle,
    PlannedKeyResult,
    PlannedObjective,
    PlanPart,
)

M = TypeVar("M", bound=BaseModel)

# A key result is judged before anybody knows whose it will be.
_NOBODY: Final = UUID(int=0)

# These messages of pydantic repeat what was sent; the sender gets the rule instead.
_MESSAGES: Final[Mapping[str, str]] = {"uuid_parsing": "Input should be a valid UUID"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadObjective:
    """An objective of the plan: `planned` is None where it could not be read.

    `pointer` says where in the document it is, `key` what the plan calls it.
    """

    pointer: str
    key: str | None
    planned: PlannedObjective | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """What could be read of a plan, and what was found on the way.

    `places` says where in a CSV text a pointer leads to; None of a JSON document.
    """

    cycle: PlannedCycle | None = None
    objectives: Sequence[ReadObjective] = ()
    reason: str | None = None
    findings: Sequence[Finding] = ()
    places: Mapping[str, Place] | None = None

    def located(self, finding: Finding) -> Finding:
        """The finding as its sender can look it up."""
        return finding if self.places is None else located(finding, self.places)


class _Head(PlanPart):
    """What stands in a plan beside its objectives."""

    format: Any = None
    cycle: Any = None
    objectives: Any = None
    reason: Reason | None = None


def read_plan(document: object) -> ReadPlan:
    """Read a document of the format `cairn.plan.v1`; one that is none leads to findings."""
    findings: list[Finding] = []
    fields = document if isinstance(document, Mapping) else {}
    if fields.get("format") != FORMAT:
        findings.append(
            Finding(code="format", message=f"A plan says “format”: “{FORMAT}”.", pointer="/format")
        )
        return ReadPlan(findings=findings)
    head = validated(_Head, fields, "", findings)
    planned_cycle = fields.get("cycle")
    cycle = (
        None
        if planned_cycle is None
        else validated(PlannedCycle, planned_cycle, "/cycle", findings)
    )
    objectives = _objectives(fields.get("objectives", ()), findings)
    findings.extend(_repeated_names(objectives))
    findings.extend(_told_values(objectives))
    reason = head.reason if head else None
    return ReadPlan(cycle=cycle, objectives=objectives, reason=reason, findings=findings)


def _objectives(written: object, findings: list[Finding]) -> list[ReadObjective]:
    if not isinstance(written, list | tuple) or not written:
        message = "A plan has a list of objectives, at least one."
        findings.append(Finding(code="no_objectives", message=message, pointer="/objectives"))
        return []
    if len(written) > MAX_PLAN_OBJECTIVES:
        message = f"A plan has {MAX_PLAN_OBJECTIVES} objectives at most: send it in parts."
        findings.append(Finding(code="too_many", message=message, pointer="/objectives"))
        return []
    if sum(map(_count_key_results, written)) > MAX_PLAN_KEY_RESULTS:
        message = f"A plan has {MAX_PLAN_KEY_RESULTS} key results at most: send it in parts."
        findings.append(Finding(code="too_many", message=message, pointer="/objectives"))
        return []
    return [_objective(each, f"/objectives/{at}", findings) for at, each in enumerate(written)]


def _count_key_results(written: object) -> int:
    key_results = written.get("key_results") if isinstance(written, Mapping) else None
    return len(key_results) if isinstance(key_results, list | tuple) else 0


def _objective(written: object, pointer: str, findings: list[Finding]) -> ReadObjective:
    found: list[Finding] = []
    planned = validated(PlannedObjective, written, pointer, found)
    key = planned.key if planned else _key(written)
    if planned is not None:
        found.extend(_repeated_key_results(planned, pointer))
        for at, each in enumerate(planned.key_results):
            found.extend(_refusals(each, f"{pointer}/key_results/{at}"))
        found.extend(_personal_owners(planned, pointer))
    findings.extend(found)
    unusable = any(each.severity == "error" for each in found)
    return ReadObjective(pointer=pointer, key=key, planned=None if unusable else planned)


def _key(written: object) -> str | None:
    key = written.get("key") if isinstance(written, Mapping) else None
    return key if isinstance(key, str) else None


def _refusals(planned: PlannedKeyResult, pointer: str) -> Iterable[Finding]:
    """What the domain has against the key result, whoever's it is."""
    try:
        require_definition(identity.definition(planned, _NOBODY))
        if planned.link is not None:
            require_number(planned.type)
    except GoalsError as error:
        yield Finding(code=code_of(error), message=str(error), pointer=pointer)


def _repeated_key_results(planned: PlannedObjective, pointer: str) -> Iterable[Finding]:
    seen: set[str] = set()
    for at, each in enumerate(planned.key_results):
        name = identity.key_result_name(each, at + 1)
        if name in seen:
            yield Finding(
                code="repeated_key",
                message="Another key result of the objective has the same key.",
                pointer=f"{pointer}/key_results/{at}/key",
                field="key",
            )
        seen.add(name)


def _repeated_names(objectives: Iterable[ReadObjective]) -> Iterable[Finding]:
    first: dict[str, str] = {}
    for each in objectives:
        if each.planned is None:
            continue
        name = identity.name_of(each.planned)
        if name in first:
            yield Finding(
                code="repeated_key",
                message="Another objective of the plan has the same key, or without keys the same "
                "owner and title.",
                pointer=f"{each.pointer}/key",
                field="key",
            )
        first.setdefault(name, each.pointer)


def _personal_owners(planned: PlannedObjective, pointer: str) -> Iterable[Finding]:
    if any("@" in each.id for each in (planned.owner, *planned.delegates)):
        yield Finding(
            code="personal_data",
            message="An id of an owner or delegate looks like a mail address. What is recorded "
            "stays for good: map addresses to ids that say nothing of a person.",
            severity="warning",
            pointer=f"{pointer}/owner",
            field="owner",
        )


def _told_values(objectives: Iterable[ReadObjective]) -> Iterable[Finding]:
    planned = (each.planned.key_results for each in objectives if each.planned is not None)
    count = sum(each.value is not None for key_results in planned for each in key_results)
    if count:
        yield Finding(
            code="values_not_imported",
            message=f"{count} key result(s) come with a value. Values are not imported: check in "
            "once the objective is active.",
            severity="warning",
            pointer="/objectives",
        )


def validated(model: type[M], written: object, pointer: str, findings: list[Finding]) -> M | None:
    """What was written as an instance of the model; what it does not fit leads to findings."""
    try:
        return model.model_validate(written)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            steps = [str(step).replace("~", "~0").replace("/", "~1") for step in fault["loc"]]
            findings.append(
                Finding(
                    code=fault["type"],
                    message=_MESSAGES.get(fault["type"], fault["msg"]),
                    pointer="".join([pointer, *(f"/{step}" for step in steps)]),
                    field=next((step for step in reversed(steps) if not step.isdigit()), None),
                )
            )
        return None
