"""Which form a plan has, by what the request says."""

import pytest

from services.goals.api.plan_type import (
    PlanFormat,
    UnknownPlanTypeError,
    sent_format,
    wanted_format,
)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/json", "json"),
        ("Application/JSON; charset=utf-8", "json"),
        ("application/vnd.cairn+json", "json"),
        ("text/csv; header=present", "csv"),
    ],
)
def test_a_body_is_what_its_label_says(content_type: str, form: PlanFormat) -> None:
    assert sent_format(content_type) == form


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "json", "text/+json"])
def test_anything_else_is_refused(content_type: str | None) -> None:
    with pytest.raises(UnknownPlanTypeError, match="text/csv"):
        sent_format(content_type)


@pytest.mark.parametrize(
    ("asked", "accept", "form"),
    [
        (None, None, "json"),
        (None, "*/*", "json"),
        (None, "text/html, text/csv;q=0.9, application/json", "csv"),
        (None, "application/json, text/csv", "json"),
        ("csv", "application/json", "csv"),
        ("json", "text/csv", "json"),
    ],
)
def test_the_parameter_goes_before_accept(
    asked: PlanFormat | None, accept: str | None, form: PlanFormat
) -> None:
    assert wanted_format(asked, accept) == form
