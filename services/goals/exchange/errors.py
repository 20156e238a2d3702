"""Why a plan is not taken in, or not given out."""

from collections.abc import Sequence

from services.goals.domain.errors import GoalsError, NotAllowedError
from services.goals.exchange.findings import Finding


class PlanRefusedError(GoalsError):
    """The plan has errors: nothing of it was recorded. `findings` are all of them."""

    def __init__(self, findings: Sequence[Finding], *, errors: int, total: int) -> None:
        super().__init__(
            f"The plan has {errors} error(s); nothing of it was recorded.",
            findings=list(findings),
            findings_total=total,
        )


class PlanNotAllowedError(NotAllowedError):
    """Nothing stands against the plan but that its sender has no right to all of it."""

    def __init__(self, findings: Sequence[Finding], *, total: int, missing: Sequence[str]) -> None:
        super().__init__(
            "A plan is imported by an administrator, or by who speaks for all owners of its new "
            "objectives; nothing of it was recorded.",
            missing=missing,
        )
        self.extensions = {
            **self.extensions,
            "findings": list(findings),
            "findings_total": total,
        }


class ExportTooLargeError(GoalsError):
    """The cycle, with all that contributes to it, is larger than what is exported at once."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"More than {limit} objectives are in the cycle or contribute to it. "
            "Read them in pages instead."
        )
