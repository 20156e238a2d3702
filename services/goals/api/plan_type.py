"""Which kinds of plans are taken in and given out, by media types and parameters."""

from typing import Final, Literal

JSON: Final = "application/json"
CSV: Final = "text/csv"

PlanFormat = Literal["json", "csv"]


class UnknownPlanTypeError(Exception):
    """The plan was sent as something else."""

    def __init__(self) -> None:
        super().__init__(f"Send a plan with Content-Type {JSON} or {CSV}.")


def sent_format(content_type: str | None) -> PlanFormat:
    """What a body is, by its Content-Type. Raises UnknownPlanTypeError."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == CSV:
        return "csv"
    if media_type == JSON or (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        return "json"
    raise UnknownPlanTypeError


def wanted_format(asked: PlanFormat | None, accept: str | None) -> PlanFormat:
    """What to answer with: as the parameter says, else CSV where Accept names it first."""
    if asked is not None:
        return asked
    named = [each.partition(";")[0].strip().lower() for each in (accept or "").split(",")]
    known = [each for each in named if each in (JSON, CSV)]
    return "csv" if known[:1] == [CSV] else "json"
