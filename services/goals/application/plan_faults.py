"""What stands against a plan, taken down while it is brought in, so that all of it is found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from services.goals.domain.errors import CycleNotActiveError, CycleNotOpenError, GoalsError
from services.goals.exchange.errors import PlanNotAllowedError, PlanRefusedError
from services.goals.exchange.findings import Finding, Findings, Severity, code_of
from services.goals.exchange.reading import ReadPlan

# What is wrong with the cycle is told of once, and not with every objective.
_OF_THE_CYCLE: Final = (CycleNotOpenError, CycleNotActiveError)


class Faults:
    """The findings of one plan, those of its reading first."""

    def __init__(self, plan: ReadPlan) -> None:
        self._plan = plan
        self.findings = Findings(plan.findings)

    @contextmanager
    def taken_down(
        self, pointer: str, *, warned_of: tuple[type[GoalsError], ...] = ()
    ) -> Iterator[None]:
        """Take down a refusal as a finding, and go on behind the block."""
        try:
            yield
        except GoalsError as error:
            missing = error.extensions.get("missing")
            self.add(
                code_of(error),
                str(error),
                "/cycle" if isinstance(error, _OF_THE_CYCLE) else pointer,
                severity="warning" if isinstance(error, warned_of) else "error",
                missing=tuple(missing) if isinstance(missing, list) else (),
            )

    def add(
        self,
        code: str,
        message: str,
        pointer: str,
        *,
        severity: Severity = "error",
        missing: tuple[str, ...] = (),
    ) -> None:
        """Take down one finding at a place of the document."""
        found = Finding(
            code=code, message=message, severity=severity, pointer=pointer, missing=missing
        )
        self.findings.add(self._plan.located(found))

    def require_none(self) -> None:
        """Raise PlanRefusedError, or PlanNotAllowedError where only rights are missing."""
        findings = self.findings
        if findings.only_rights:
            raise PlanNotAllowedError(
                findings.kept, total=findings.total, missing=list(findings.missing)
            )
        if findings.errors:
            raise PlanRefusedError(findings.kept, errors=findings.errors, total=findings.total)
