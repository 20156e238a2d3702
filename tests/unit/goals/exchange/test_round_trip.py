"""What is taken out as JSON or CSV is what is brought in again, whatever it says."""

import csv
import io

import orjson
from hypothesis import given, settings

from services.goals.exchange.mapped import read_csv
from services.goals.exchange.mapping import OUR_COLUMNS
from services.goals.exchange.plan import Plan
from services.goals.exchange.reading import ReadPlan, read_plan
from services.goals.exchange.writing import HEADER, plan_as_csv
from tests.unit.goals.exchange.plans import PLANS


def errors(read: ReadPlan) -> list[object]:
    return [each for each in read.findings if each.severity == "error"]


def planned(read: ReadPlan) -> Plan:
    return Plan(
        format="cairn.plan.v1",
        cycle=read.cycle,
        objectives=tuple(each.planned for each in read.objectives if each.planned is not None),
    )


@settings(max_examples=60, deadline=None)
@given(PLANS)
def test_a_plan_comes_back_from_csv_as_it_was(plan: Plan) -> None:
    text = plan_as_csv(plan)
    read = read_csv(text, OUR_COLUMNS)
    assert errors(read) == []
    assert planned(read) == plan
    assert plan_as_csv(planned(read)) == text


@settings(max_examples=25, deadline=None)
@given(PLANS)
def test_a_plan_comes_back_from_json_as_it_was(plan: Plan) -> None:
    read = read_plan(orjson.loads(plan.model_dump_json()))
    assert errors(read) == []
    assert planned(read) == plan


@settings(max_examples=25, deadline=None)
@given(PLANS)
def test_no_text_of_a_plan_is_a_formula_to_a_spreadsheet(plan: Plan) -> None:
    rows = csv.DictReader(io.StringIO(plan_as_csv(plan), newline=""))
    assert tuple(rows.fieldnames or ()) == HEADER
    for row in rows:
        for cell in row.values():
            if cell[:1] in "=+-@\t\r\n" and cell:
                float(cell)


def test_an_empty_plan_is_the_header_alone() -> None:
    assert plan_as_csv(Plan(format="cairn.plan.v1")) == ",".join(HEADER) + "\r\n"
