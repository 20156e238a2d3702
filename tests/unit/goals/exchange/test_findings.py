"""Findings: each once, bounded, and looked up in the file that they are about."""

from services.goals.domain.errors import CycleNotOpenError, NoKeyResultsError
from services.goals.exchange.findings import (
    MAX_FINDINGS,
    Finding,
    Findings,
    Place,
    code_of,
    located,
)


def test_the_same_is_told_once() -> None:
    same = Finding(code="x", message="X", pointer="/cycle")
    assert Findings([same, same]).total == 1


def test_the_first_are_kept_and_all_are_counted() -> None:
    many = Findings(Finding(code=str(each), message="") for each in range(MAX_FINDINGS + 5))
    assert (len(many.kept), many.total, many.errors) == (
        MAX_FINDINGS,
        MAX_FINDINGS + 5,
        MAX_FINDINGS + 5,
    )


def test_rights_are_all_that_is_missing_only_where_nothing_else_is_wrong() -> None:
    right = Finding(code="not_owner", message="", missing=("team a", "scope b"))
    warning = Finding(code="w", message="", severity="warning")
    wrong = Finding(code="title", message="")
    assert Findings([right, warning]).only_rights
    assert list(Findings([right, warning]).missing) == ["team a", "scope b"]
    assert not Findings([right, wrong]).only_rights
    assert not Findings([warning]).only_rights


def test_a_pointer_leads_to_the_nearest_place_above_it() -> None:
    places = {"/objectives/0": Place(2), "/objectives/0/owner/id": Place(2, "Lead")}
    for pointer, row, column in (
        ("/objectives/0/owner/id", 2, "Lead"),
        ("/objectives/0/title", 2, "title"),
        ("/objectives/1/title", None, "title"),
    ):
        finding = Finding(code="x", message="", pointer=pointer, field="title")
        there = located(finding, places)
        assert (there.pointer, there.row, there.field) == (None, row, column)


def test_a_refusal_has_the_code_of_its_name() -> None:
    assert code_of(CycleNotOpenError("closed")) == "cycle_not_open"
    assert code_of(NoKeyResultsError()) == "no_key_results"
