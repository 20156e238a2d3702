"""What is given out of a cycle, also where it was taken in when the rules were others."""

from dataclasses import replace

from services.goals.domain.events import Owner
from services.goals.domain.rollup import roll_up
from services.goals.exchange.plan import export
from services.goals.exchange.reading import read_plan
from services.goals.exchange.writing import plan_as_csv
from tests.unit.goals.given import COVERAGE_ADDED, CYCLE_ID, DRAFTED, PLANNED, a_cycle, an_objective

FORGED = "Halve\nit\x1b]0;"


def test_what_would_be_refused_today_is_given_out_and_refused_when_it_comes_back() -> None:
    drafted = replace(DRAFTED, title=FORGED, description=" ", owner=Owner(kind="team", id="\u200b"))
    objective = an_objective(drafted, replace(COVERAGE_ADDED, title="\t"))
    cycle = a_cycle(replace(PLANNED, name=FORGED))
    plan = export(CYCLE_ID, cycle, [objective], {objective.id: roll_up(objective)})
    document = plan.model_dump(mode="json")
    assert document["cycle"]["name"] == document["objectives"][0]["title"] == FORGED
    assert FORGED in plan_as_csv(plan)
    faults = {(each.pointer, each.code) for each in read_plan(document).findings}
    assert faults == {
        ("/cycle/name", "not_a_line"),
        ("/objectives/0/title", "not_a_line"),
        ("/objectives/0/description", "nothing_to_see"),
        ("/objectives/0/owner/id", "not_a_line"),
        ("/objectives/0/key_results/0/title", "not_a_line"),
    }
