"""The alignment tree over HTTP: any root, any depth, any moment."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts import goals
from contracts.progress import expected_progress
from tests.integration.goals.conftest import problem
from tests.integration.projections.conftest import Service
from tests.unit.projections.goals_log import Q1, SECOND, GoalsLog, named

YEAR = UUID(int=2)


def company(log: GoalsLog) -> GoalsLog:
    """A company's objective above two teams', one of them above a person's."""
    log.cycle()
    log.objective("company", {"growth": 1.0, "love": 3.0}, owner=("company", "acme"))
    log.objective("sales", {"leads": 1.0}, owner=("team", "sales"))
    log.objective("product", {"features": 1.0}, owner=("team", "product"))
    log.objective("ada", {"ships": 1.0}, owner=("person", "ada"))
    log.objective("lonely", {"alone": 1.0}, owner=("team", "ops"))
    log.align("sales", "company")
    log.align("product", "company", "love")
    log.align("ada", "product", weight=2.0)
    log.align("ada", "sales", kind="supports")
    return log


def names(tree: dict[str, Any]) -> list[str]:
    return [node["title"] for node in tree["nodes"]]


def node(tree: dict[str, Any], title: str) -> dict[str, Any]:
    (found,) = (each for each in tree["nodes"] if each["title"] == title)
    assert isinstance(found, dict)
    return found


async def test_a_tree_is_shown_depth_first_with_all_that_holds(service: Service) -> None:
    log = company(service.log)
    said = log.check_in("company", "growth", 25.0, status="at_risk", confidence=0.4)
    log.check_in("ada", "ships", 100.0)
    position = await service.apply()
    tree = await service.get("/alignment-tree", min_position=position, cycle=Q1)
    assert tree["position"] == position
    assert tree["truncated"] is False
    assert names(tree) == ["company", "product", "ada", "sales", "lonely"]
    assert [each["depth"] for each in tree["nodes"]] == [0, 1, 2, 1, 0]
    assert tree["roots"] == [str(named("company")), str(named("lonely"))]
    top = node(tree, "company")
    assert top["children"] == [str(named("product")), str(named("sales"))]
    assert top["owner"] == {"kind": "company", "id": "acme"}
    # product: its own key result at 0 and ada at 1 with weight 2 -> 2/3; it feeds "love".
    # company: growth 0.25 * 1, love 2/3 * 3, sales 0 * 1 -> (0.25 + 2) / 5
    assert node(tree, "product")["progress"] == pytest.approx(2 / 3)
    assert top["progress"] == pytest.approx(0.45)
    assert top["own_progress"] == pytest.approx((0.25 + 2) / 4)
    # The newest value that counts is ada's, two levels below.
    assert (top["source"], top["position"]) == ("computed", log.events[-1].position)
    growth, love = top["key_results"]
    assert growth == {
        "id": str(named("growth")),
        "objective_id": top["id"],
        "title": "growth",
        "type": "increase",
        "baseline": 0,
        "target": 100,
        "stretch": None,
        "lower": None,
        "upper": None,
        "milestones": [],
        "phased_targets": [],
        "unit": "%",
        "weight": 1,
        "due_on": None,
        "value": 25,
        "value_at": growth["value_at"],
        "check_in_id": str(said),
        "in_band": None,
        "tally": None,
        "attainment": 0.25,
        "progress": 0.25,
        "source": "manual",
        "position": log.events[-2].position,
        "confidence": 0.4,
        "status": "at_risk",
        "checked_in_at": growth["value_at"],
        "last_check_in_id": str(said),
        "kpi": None,
        "kpi_reading": None,
        "measurement": None,
        "score": None,
        "computed_score": None,
        "expected": top["expected"],
        "pace": pytest.approx(0.25 - top["expected"]),
        "computed_status": growth["computed_status"],
    }
    assert datetime.fromisoformat(growth["value_at"]) == log.events[-2].time
    assert (love["source"], love["progress"]) == ("aligned", pytest.approx(2 / 3))
    assert love["position"] == log.events[-1].position
    unsaid = node(tree, "lonely")
    assert (unsaid["source"], unsaid["position"]) == ("computed", None)


async def test_pace_is_progress_less_what_the_cycle_expects_at_that_moment(
    service: Service,
) -> None:
    log = company(service.log)
    log.check_in("lonely", "alone", 50.0)
    await service.apply()
    as_of = log.now + timedelta(days=30)
    tree = await service.get("/alignment-tree", cycle=Q1, as_of=as_of.isoformat())
    expected = expected_progress(starts_on=date(2026, 1, 1), ends_on=date(2026, 3, 31), at=as_of)
    lonely = node(tree, "lonely")
    assert lonely["expected"] == pytest.approx(expected)
    assert lonely["pace"] == pytest.approx(0.5 - expected)


async def test_every_type_of_key_result_shows_what_it_is_measured_by(service: Service) -> None:
    log = service.log
    log.cycle()
    log.objective("homepage", active=False)
    log.key_result("homepage", "uptime", type="maintain", lower=99.99, unit="%")
    languages = [{"id": named(each), "title": each, "weight": 1} for each in ("en", "de", "fi")]
    log.key_result("homepage", "languages", type="milestones", milestones=languages)
    log.key_result("homepage", "responsive", type="binary", due_on="2026-04-30")
    phases = [{"on": "2026-01-31", "value": 1300}]
    latency = {"baseline": 1400.0, "target": 1000.0, "unit": "ms", "phased_targets": phases}
    log.key_result("homepage", "latency", type="decrease", **latency)
    log.activate("homepage")
    log.link("homepage", "uptime")
    log.measure("homepage", "uptime", 99.95)
    log.check_in("homepage", "languages", 2 / 3, milestones_done=[named("en"), named("fi")])
    log.check_in("homepage", "responsive", 1.0)
    log.check_in("homepage", "latency", 1200.0)
    await service.apply()
    as_of = datetime(2026, 2, 1, tzinfo=UTC)
    tree = await service.get("/alignment-tree", cycle=Q1, as_of=as_of.isoformat())
    homepage = node(tree, "homepage")
    uptime, spoken, responsive, slow = homepage["key_results"]
    assert (uptime["lower"], uptime["upper"], uptime["in_band"]) == (99.99, None, False)
    assert uptime["tally"] == {"measured": 1, "in_band": 0}
    assert (uptime["measurement"]["in_band"], uptime["source"]) == (False, "kpi")
    assert [each["done"] for each in spoken["milestones"]] == [True, False, True]
    assert (spoken["progress"], spoken["in_band"]) == (pytest.approx(2 / 3), None)
    # Due a month after the cycle: 31 of 120 days are over.
    assert responsive["expected"] == pytest.approx(31 / 120)
    assert (responsive["progress"], responsive["computed_status"]) == (1, "on_track")
    # A quarter of the way was to be done by the end of January; half of it is.
    assert slow["phased_targets"] == [{"on": "2026-01-31", "value": 1300}]
    assert (slow["expected"], slow["pace"]) == (0.25, 0.25)
    assert homepage["progress"] == pytest.approx((0 + 2 / 3 + 1 + 0.5) / 4)
    assert homepage["computed_status"] == "on_track"


def a_company_of_all_states(log: GoalsLog) -> GoalsLog:
    company(log)
    log.objective("later", {"l": 1.0}, owner=("team", "sales"), labels=["web"])
    log.align("later", "sales")
    log.of("later", goals.ObjectivePostponed)
    log.objective("never", {"n": 1.0}, owner=("team", "ops"), labels=["web", "q1"])
    log.of("never", goals.ObjectiveAbandoned)
    return log


async def test_what_was_put_off_or_given_up_is_shown_as_such(service: Service) -> None:
    log = a_company_of_all_states(service.log)
    await service.apply()
    tree = await service.get("/alignment-tree", cycle=Q1)
    assert node(tree, "later")["state"] == "postponed"
    never = node(tree, "never")
    assert (never["state"], never["labels"]) == ("abandoned", ["web", "q1"])
    assert datetime.fromisoformat(never["ended_at"]) == log.now
    # Nothing more was expected of it than when it ended, whenever one asks.
    later = await service.get("/alignment-tree", cycle=Q1, as_of="2026-03-31T00:00:00Z")
    assert node(later, "never")["expected"] == pytest.approx(
        expected_progress(starts_on=date(2026, 1, 1), ends_on=date(2026, 3, 31), at=log.now)
    )
    assert node(later, "company")["expected"] > node(later, "never")["expected"]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"state": "postponed"}, ["company", "sales", "later"]),
        ({"state": ["postponed", "abandoned"]}, ["company", "sales", "later", "never"]),
        ({"label": "q1"}, ["never"]),
        ({"label": "web", "state": "postponed"}, ["company", "sales", "later"]),
        ({"label": "unheard-of"}, []),
        ({"state": "draft"}, []),
    ],
)
async def test_filters_keep_what_leads_to_what_is_wanted(
    service: Service, query: dict[str, Any], shown: list[str]
) -> None:
    a_company_of_all_states(service.log)
    await service.apply()
    tree = await service.get("/alignment-tree", cycle=Q1, **query)
    assert names(tree) == shown
    assert tree["roots"] == [each["id"] for each in tree["nodes"] if each["depth"] == 0]


async def test_a_key_result_that_was_removed_is_shown_until_then(service: Service) -> None:
    log = company(service.log)
    before = log.now
    log.of_key_result("company", "growth", goals.KeyResultRemoved)
    await service.apply()
    titles = [each["title"] for each in node(await tree_now(service), "company")["key_results"]]
    assert titles == ["love"]
    then = await service.get("/alignment-tree", cycle=Q1, as_of=before.isoformat())
    assert len(node(then, "company")["key_results"]) == 2


async def test_predecessor_successor_and_delegates_are_named(service: Service) -> None:
    log = service.log
    log.cycle()
    web = {"kind": "team", "id": "web"}
    log.objective("next", predecessor_id=named("before"), delegates=[web])
    later = {"successor_id": named("after"), "successor_cycle_id": YEAR}
    log.of("next", goals.ObjectiveCarriedOver, **later)
    await service.apply()
    found = node(await tree_now(service), "next")
    assert found["predecessor_id"] == str(named("before"))
    assert found["successor_id"] == str(named("after"))
    assert found["delegates"] == [web]


async def tree_now(service: Service) -> dict[str, Any]:
    return await service.get("/alignment-tree", cycle=Q1)


async def test_several_parents_are_all_named_and_the_child_is_shown_once(
    service: Service,
) -> None:
    company(service.log)
    await service.apply()
    tree = await service.get("/alignment-tree", cycle=Q1)
    ada = node(tree, "ada")
    parents = {each["objective_id"]: each for each in ada["parents"]}
    assert parents[str(named("product"))] == {
        "objective_id": str(named("product")),
        "key_result_id": None,
        "kind": "contributes",
        "weight": 2,
    }
    assert parents[str(named("sales"))]["kind"] == "supports"
    assert node(tree, "sales")["children"] == [str(named("ada"))]
    assert node(tree, "product")["parents"][0]["key_result_id"] == str(named("love"))


async def test_orphans_are_those_below_the_company_that_hang_nowhere(service: Service) -> None:
    company(service.log)
    await service.apply()
    tree = await service.get("/alignment-tree", cycle=Q1)
    assert [each["title"] for each in tree["nodes"] if each["orphan"]] == ["lonely"]


async def test_a_subtree_begins_at_its_root_and_still_names_what_is_above(
    service: Service,
) -> None:
    company(service.log)
    await service.apply()
    tree = await service.get("/alignment-tree", root=named("product"))
    assert names(tree) == ["product", "ada"]
    assert node(tree, "product")["depth"] == 0
    assert node(tree, "product")["parents"][0]["objective_id"] == str(named("company"))


@pytest.mark.parametrize(
    ("depth", "shown"),
    [
        (0, ["company"]),
        (1, ["company", "product", "sales"]),
        (2, ["company", "product", "ada", "sales"]),
    ],
)
async def test_depth_cuts_levels_off_and_children_still_say_that_there_are_more(
    service: Service, depth: int, shown: list[str]
) -> None:
    company(service.log)
    await service.apply()
    tree = await service.get("/alignment-tree", root=named("company"), depth=depth)
    assert names(tree) == shown
    assert tree["truncated"] is False
    assert node(tree, "company")["children"] == [str(named("product")), str(named("sales"))]


async def test_a_child_of_another_cycle_is_part_of_the_tree_it_contributes_to(
    service: Service,
) -> None:
    log = service.log
    log.cycle()
    log.cycle(YEAR, name="2026", ends_on=date(2026, 12, 31))
    log.objective("year", {"y": 1.0}, cycle_id=YEAR)
    log.objective("quarter", {"q": 1.0})
    log.align("quarter", "year")
    await service.apply()
    assert names(await service.get("/alignment-tree", cycle=YEAR)) == ["year", "quarter"]
    assert names(await service.get("/alignment-tree", cycle=Q1)) == ["quarter"]
    tree = await service.get("/alignment-tree")
    assert names(tree) == ["year", "quarter"]
    assert node(tree, "year")["expected"] < node(tree, "quarter")["expected"]


async def test_as_of_shows_what_was_known_then(service: Service) -> None:
    log = company(service.log)
    before = log.now
    log.check_in("lonely", "alone", 50.0)
    log.unalign("sales", "company")
    log.close("lonely", {"alone": 0.5})
    await service.apply()
    then = await service.get("/alignment-tree", cycle=Q1, as_of=before.isoformat())
    assert datetime.fromisoformat(then["as_of"]) == before
    assert node(then, "lonely")["progress"] == 0
    assert node(then, "lonely")["state"] == "active"
    assert node(then, "sales")["depth"] == 1
    now = await service.get("/alignment-tree", cycle=Q1)
    closed = node(now, "lonely")
    assert (closed["progress"], closed["state"], closed["score"]) == (0.5, "closed", 0.5)
    assert (closed["verdict"], closed["key_results"][0]["score"]) == ("partial", 0.5)
    assert node(now, "sales")["depth"] == 0
    assert node(now, "sales")["orphan"] is True
    a_moment_before = (before - SECOND).isoformat()
    earlier = await service.get("/alignment-tree", root=named("ada"), as_of=a_moment_before)
    assert len(node(earlier, "ada")["parents"]) == 1


async def test_what_was_not_known_then_is_not_there(service: Service) -> None:
    company(service.log)
    await service.apply()
    early = (service.log.events[0].time - SECOND).isoformat()
    for query in ({"cycle": Q1}, {"root": named("ada")}):
        response = await service.reader.get("/alignment-tree", as_of=early, **query)
        assert problem(response) == (404, "not-found")
    assert names(await service.get("/alignment-tree", as_of=early)) == []


async def test_an_answer_beyond_the_bound_says_so(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    company(service.log)
    await service.apply()
    monkeypatch.setattr("services.projections.alignment_tree.routes.MAX_NODES", 3)
    tree = await service.get("/alignment-tree", root=named("company"))
    assert tree["truncated"] is True
    assert len(tree["nodes"]) == 3


async def test_an_empty_company_has_an_empty_tree(service: Service) -> None:
    tree = await service.get("/alignment-tree")
    assert tree["position"] == "goals:0"
    assert (tree["roots"], tree["nodes"], tree["truncated"]) == ([], [], False)


@pytest.mark.parametrize(
    "query",
    [
        {"as_of": "yesterday"},
        {"as_of": "2026-01-01T00:00:00"},
        {"cycle": "Q1"},
        {"root": "company"},
        {"depth": -1},
        {"depth": 1_000_000},
    ],
)
async def test_what_cannot_be_asked_is_a_problem(service: Service, query: dict[str, Any]) -> None:
    response = await service.reader.get("/alignment-tree", **query)
    assert problem(response) == (422, "invalid-request")


async def test_a_tree_begins_at_a_root_or_in_a_cycle_not_both(service: Service) -> None:
    company(service.log)
    await service.apply()
    both = await service.reader.get("/alignment-tree", root=named("product"), cycle=Q1)
    assert problem(both) == (422, "conflicting-parameters")


async def test_nobody_knows_the_future(service: Service) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    response = await service.reader.get("/alignment-tree", as_of=tomorrow)
    assert problem(response)[0] == 422


async def test_reading_takes_a_scope(service: Service) -> None:
    stranger = service.caller("goals:read")
    for path in ("/alignment-tree", "/cycles", f"/cycle-dashboards/{Q1}"):
        assert problem(await stranger.get(path)) == (403, "missing-scope")
