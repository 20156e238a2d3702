"""Cycles and their dashboards over HTTP."""

from datetime import date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from contracts import goals
from contracts.goals import ObjectiveState
from tests.integration.goals.conftest import problem
from tests.integration.projections.conftest import Service
from tests.unit.projections.goals_log import Q1, GoalsLog, named

# The first half of the cycle's ninety days is over here, to the second.
HALF_WAY = datetime.fromisoformat("2026-02-15T00:00:00+00:00")
LAST_YEAR = UUID(int=7)


def working_company(log: GoalsLog) -> GoalsLog:
    """Two teams and a person: one ahead, one behind, one not begun."""
    log.cycle()
    log.objective("ahead", {"a": 1.0}, owner=("team", "sales"))
    log.objective("behind", {"b": 1.0, "c": 1.0}, owner=("team", "ops"))
    log.objective("silent", {"s": 1.0}, owner=("team", "ops"))
    log.objective("draft", {"d": 1.0}, owner=("person", "ada"), active=False)
    log.check_in("ahead", "a", 80.0, status="on_track", confidence=0.9)
    log.check_in("behind", "b", 20.0, status="off_track", confidence=0.3)
    log.link("behind", "c")
    return log


def states(**counts: int) -> dict[str, int]:
    """How many objectives are in each state; none in those that are not named."""
    return {state: counts.get(state, 0) for state in get_args(ObjectiveState)}


async def dashboard(service: Service, **query: Any) -> dict[str, Any]:
    return await service.get(f"/cycle-dashboards/{Q1}", **query)


async def test_a_cycle_is_summed_up(service: Service) -> None:
    log = working_company(service.log)
    log.now = HALF_WAY
    position = await service.apply()
    answer = await dashboard(service, as_of=HALF_WAY.isoformat(), min_position=position)
    assert answer["position"] == position
    assert answer["cycle"]["name"] == "Q1 2026"
    assert answer["cycle"]["state"] == "active"
    assert answer["objectives"] == 4
    assert answer["by_state"] == states(draft=1, active=3)
    assert answer["key_results"] == 4
    assert answer["by_status"] == {"on_track": 1, "at_risk": 0, "off_track": 1, "none": 2}
    assert answer["unchecked"] == 1
    assert answer["expected"] == 0.5
    # ahead 0.8, behind (0.2 + 0) / 2, silent 0; the draft is not counted.
    assert answer["progress"] == pytest.approx(0.3)
    assert (answer["pace"], answer["computed_status"]) == (pytest.approx(-0.2), "at_risk")
    assert answer["by_computed_status"] == {
        "on_track": 1,
        "at_risk": 0,
        "off_track": 2,
        "none": 0,
    }
    assert answer["confidence"] == pytest.approx(0.6)
    assert answer["changed"] is None


async def test_every_owner_is_summed_up_as_well(service: Service) -> None:
    working_company(service.log)
    await service.apply()
    answer = await dashboard(service, as_of=HALF_WAY.isoformat())
    assert [(each["owner"]["kind"], each["owner"]["id"]) for each in answer["owners"]] == [
        ("person", "ada"),
        ("team", "ops"),
        ("team", "sales"),
    ]
    ada, ops, sales = answer["owners"]
    assert (ada["objectives"], ada["progress"], ada["pace"]) == (1, None, None)
    assert (ops["objectives"], ops["progress"], ops["confidence"]) == (2, 0.05, 0.3)
    assert (sales["progress"], sales["pace"]) == (0.8, pytest.approx(0.3))
    assert answer["owners_total"] == 3


async def test_one_owner_can_be_looked_at_alone(service: Service) -> None:
    working_company(service.log)
    await service.apply()
    teams = await dashboard(service, owner_kind="team")
    assert teams["objectives"] == 3
    ops = await dashboard(service, owner_kind="team", owner_id="ops")
    assert (ops["objectives"], ops["progress"]) == (2, 0.05)
    nobody = await dashboard(service, owner_id="nobody")
    assert (nobody["objectives"], nobody["progress"], nobody["owners"]) == (0, None, [])


async def test_what_is_furthest_behind_comes_first(service: Service) -> None:
    working_company(service.log)
    await service.apply()
    answer = await dashboard(service, as_of=HALF_WAY.isoformat())
    assert [(each["title"], each["pace"]) for each in answer["behind"]] == [
        ("silent", -0.5),
        ("behind", pytest.approx(-0.4)),
    ]
    assert answer["behind"][0]["owner"] == {"kind": "team", "id": "ops"}
    assert answer["behind"][0]["computed_status"] == "off_track"


async def test_what_has_ended_is_expected_no_further_than_the_tree_says(service: Service) -> None:
    log = service.log
    log.cycle()
    log.objective("done", {"d": 1.0})
    log.check_in("done", "d", 10.0)
    log.close("done", {"d": 0.1})
    await service.apply()
    as_of = "2026-03-31T00:00:00Z"
    (done,) = (await service.get("/alignment-tree", cycle=Q1, as_of=as_of))["nodes"]
    assert (done["expected"] < 0.1, done["computed_status"]) == (True, "on_track")
    answer = await dashboard(service, as_of=as_of)
    (owner,) = answer["owners"]
    for summary in (answer, owner):
        assert (summary["pace"], summary["computed_status"]) == (done["pace"], "on_track")
        assert summary["by_computed_status"]["on_track"] == 1
    # Of what goes on, all is expected by then.
    assert answer["expected"] > 0.9


async def test_states_and_labels_can_be_looked_at_alone(service: Service) -> None:
    log = working_company(service.log)
    log.objective("given up", {"g": 1.0}, labels=["web"])
    log.check_in("given up", "g", 100.0)
    log.of("given up", goals.ObjectiveAbandoned)
    log.objective("labelled", {"l": 1.0}, labels=["web", "q1"])
    await service.apply()
    everything = await dashboard(service)
    assert everything["by_state"] == states(draft=1, active=4, abandoned=1)
    # What was given up is counted by its state alone.
    assert everything["progress"] == pytest.approx(0.9 / 4)
    web = await dashboard(service, label="web")
    assert (web["objectives"], web["progress"]) == (2, 0)
    gone = await dashboard(service, state=["abandoned", "draft"])
    assert (gone["objectives"], gone["progress"]) == (2, None)
    both = await dashboard(service, state="active", label="web")
    assert [each["title"] for each in both["behind"]] == ["labelled"]


async def test_key_results_nobody_reports_on_are_named(service: Service) -> None:
    working_company(service.log)
    await service.apply()
    answer = await dashboard(service)
    assert answer["key_results_without_check_in"] == [
        {"id": str(named("s")), "title": "s", "objective_id": str(named("silent"))}
    ]


async def test_what_changed_since_a_moment_is_listed(service: Service) -> None:
    log = working_company(service.log)
    since = log.now
    log.check_in("ahead", "a", 90.0)
    log.check_in("behind", "b", 60.0)
    log.objective("new", {"n": 1.0})
    await service.apply()
    answer = await dashboard(service, since=since.isoformat())
    changed = answer["changed"]
    assert datetime.fromisoformat(changed["since"]) == since
    assert changed["total"] == 3
    behind, ahead, new = changed["items"]
    assert (behind["title"], behind["progress_before"], behind["progress"]) == ("behind", 0.1, 0.3)
    assert (ahead["title"], ahead["progress_before"], ahead["progress"]) == ("ahead", 0.8, 0.9)
    assert (new["title"], new["state_before"], new["state"]) == ("new", None, "active")
    same = await dashboard(service, since=log.now.isoformat())
    assert (same["changed"]["total"], same["changed"]["items"]) == (0, [])


async def test_since_can_be_before_the_first_year_there_is(service: Service) -> None:
    service.log.cycle()
    await service.apply()
    answer = await dashboard(service, since="0001-01-01T00:00:00+14:00")
    assert answer["changed"]["since"] == "0001-01-01T00:00:00Z"


async def test_since_can_be_a_day(service: Service) -> None:
    log = working_company(service.log)
    log.now = HALF_WAY + timedelta(hours=1)
    log.check_in("ahead", "a", 90.0)
    await service.apply()
    answer = await dashboard(service, since=HALF_WAY.date().isoformat())
    assert answer["changed"]["since"] == "2026-02-15T00:00:00Z"
    assert [each["title"] for each in answer["changed"]["items"]] == ["ahead"]


async def test_a_dashboard_as_of_then_shows_what_was_known_then(service: Service) -> None:
    log = working_company(service.log)
    then = log.now
    log.check_in("silent", "s", 100.0, status="on_track", confidence=1.0)
    log.close("ahead", {"a": 0.8})
    await service.apply()
    before = await dashboard(service, as_of=then.isoformat())
    assert before["by_state"] == states(draft=1, active=3)
    assert (before["progress"], before["unchecked"]) == (pytest.approx(0.3), 1)
    after = await dashboard(service)
    assert after["by_state"] == states(draft=1, active=2, closed=1)
    assert (after["progress"], after["unchecked"]) == (pytest.approx(1.9 / 3), 0)


async def test_a_cycle_nobody_knows_is_a_problem(service: Service) -> None:
    working_company(service.log)
    await service.apply()
    assert problem(await service.reader.get(f"/cycle-dashboards/{uuid4()}")) == (404, "not-found")
    early = (service.log.events[0].time - timedelta(days=1)).isoformat()
    response = await service.reader.get(f"/cycle-dashboards/{Q1}", as_of=early)
    assert problem(response) == (404, "not-found")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"since": "2027-01-01", "as_of": "2026-02-01T00:00:00Z"}, (422, "since-after-as-of")),
        ({"since": "soon"}, (422, "invalid-request")),
        ({"since": "2026-01-01T10:00:00"}, (422, "invalid-request")),
        ({"since": "20260101"}, (422, "invalid-request")),
        ({"since": "1700000000"}, (422, "invalid-request")),
        ({"since": "2026-01-01 10:00:00Z"}, (422, "invalid-request")),
        ({"owner_kind": "god"}, (422, "invalid-request")),
        ({"state": "asleep"}, (422, "invalid-request")),
        ({"label": "Not one"}, (422, "invalid-request")),
        ({"owner_id": ""}, (422, "invalid-request")),
        ({"owner_id": "\0"}, (422, "invalid-request")),
    ],
)
async def test_what_cannot_be_asked_is_a_problem(
    service: Service, query: dict[str, Any], expected: tuple[int, str]
) -> None:
    working_company(service.log)
    await service.apply()
    response = await service.reader.get(f"/cycle-dashboards/{Q1}", **query)
    assert problem(response) == expected


async def test_cycles_are_listed_page_by_page_the_latest_first(service: Service) -> None:
    log = service.log
    for year in range(2020, 2025):
        log.cycle(
            UUID(int=year),
            name=str(year),
            starts_on=date(year, 1, 1),
            ends_on=date(year, 12, 31),
            active=False,
        )
    await service.apply()
    first = await service.get("/cycles", limit=2)
    assert [each["name"] for each in first["items"]] == ["2024", "2023"]
    second = await service.get("/cycles", limit=2, cursor=first["next"])
    third = await service.get("/cycles", limit=2, cursor=second["next"])
    assert [each["name"] for each in [*second["items"], *third["items"]]] == [
        "2022",
        "2021",
        "2020",
    ]
    assert third["next"] is None
    assert third["items"][0]["state"] == "planned"
    as_of = log.events[0].time.isoformat()
    assert [each["name"] for each in (await service.get("/cycles", as_of=as_of))["items"]] == [
        "2020"
    ]


@pytest.mark.parametrize("cursor", ["!", "bm9uc2Vuc2U=", "W10=", "é"])
async def test_a_cursor_made_elsewhere_is_a_problem(service: Service, cursor: str) -> None:
    response = await service.reader.get("/cycles", cursor=cursor)
    assert problem(response) == (422, "malformed-cursor")
