"""Every refusal of a query is in the table of problems."""

from services.chassis.problems import unmapped_errors
from services.projections.api.problems import PROBLEMS
from services.projections.errors import QueryError


def test_no_refusal_becomes_an_internal_error() -> None:
    named = [each for each in unmapped_errors(QueryError, PROBLEMS) if each is not QueryError]
    assert named == []
