"""What cannot be applied parks its aggregate, never the stream; and can be tried again."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from services.projections.applying import Applier
from services.projections.okrs import evolve
from services.projections.okrs.rows import KeyResult
from tests.integration.goals.conftest import problem
from tests.integration.projections.conftest import Service, Store
from tests.unit.projections.goals_log import GoalsLog, named
from tests.unit.projections.okrs.projected import Projected

CHECKED_IN = "cairn.goals.key_result.checked_in.v1"


@pytest.fixture
def log() -> GoalsLog:
    log = GoalsLog()
    log.cycle()
    for name in ("sound", "broken"):
        log.objective(name, {f"{name}-kr": 1.0})
    return log


@pytest.fixture
def defect(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A defect in the code: check-ins on one key result cannot be applied, until it is undone."""
    sound = evolve._STEPS[evolve.goals.KeyResultCheckedIn]

    def step(rows: evolve.Rows, event: evolve.goals.KeyResultCheckedIn, position: int) -> object:
        if event.key_result_id == named("broken-kr"):
            raise ZeroDivisionError("a defect")
        return sound(rows, event, position)

    with monkeypatch.context() as patched:
        patched.setitem(evolve._STEPS, evolve.goals.KeyResultCheckedIn, step)  # type: ignore[arg-type]
        yield patched


def parked_rows(store: Store) -> list[tuple[str, int]]:
    rows = store.rows("SELECT aggregate_id, version FROM parked_events ORDER BY position")
    return [(row["aggregate_id"], row["version"]) for row in rows]


async def test_an_event_that_cannot_be_applied_parks_its_aggregate_and_nothing_else(
    applier: Applier, log: GoalsLog, store: Store, defect: pytest.MonkeyPatch
) -> None:
    before = len(log.events)
    log.check_in("broken", "broken-kr", 10.0)
    log.check_in("sound", "sound-kr", 20.0)
    log.key_result("broken", "later-kr")
    log.check_in("sound", "sound-kr", 30.0)
    await applier.apply(log.events)
    broken = str(named("broken"))
    assert parked_rows(store) == [(broken, 4), (broken, 5)]
    (parked,) = store.rows("SELECT * FROM parked_aggregates")
    assert parked["reason"] == "ZeroDivisionError: a defect"
    without = [each for each in log.events[before:] if each.subject != broken]
    assert store.versions() == Projected([*log.events[:before], *without]).versions()
    assert await applier.position() == log.events[-1].position


async def test_what_waits_is_kept_once_however_often_it_comes(
    applier: Applier,
    new_applier: Callable[[], Applier],
    log: GoalsLog,
    store: Store,
    defect: pytest.MonkeyPatch,
) -> None:
    log.check_in("broken", "broken-kr", 10.0)
    await applier.apply(log.events)
    store.rows("UPDATE checkpoints SET position = 0 RETURNING position")
    await new_applier().apply(log.events)
    assert parked_rows(store) == [(str(named("broken")), 4)]


async def test_a_parked_aggregate_goes_on_where_it_stopped_when_it_is_replayed(
    service: Service, log: GoalsLog, store: Store, defect: pytest.MonkeyPatch
) -> None:
    service.log = log
    log.check_in("broken", "broken-kr", 10.0)
    log.check_in("broken", "broken-kr", 40.0, status="at_risk")
    await service.apply()
    path = f"/parked-aggregates/{named('broken')}/replay"
    still = (await service.admin.post(path)).json()
    assert (still["replayed"], still["parked"][0]["events"]) == (0, 2)
    defect.undo()
    answer = (await service.admin.post(path)).json()
    assert answer == {"id": str(named("broken")), "replayed": 2, "parked": []}
    assert store.rows("SELECT * FROM parked_aggregates") == []
    assert parked_rows(store) == []
    log.check_in("broken", "broken-kr", 60.0)
    await service.apply()
    tree = await service.get("/alignment-tree", root=named("broken"))
    assert tree["nodes"][0]["progress"] == 0.6
    assert tree["nodes"][0]["key_results"][0]["status"] is None


async def test_replaying_counts_as_of_the_last_moment_applied(
    service: Service, log: GoalsLog, defect: pytest.MonkeyPatch
) -> None:
    """What was answered for the time before stays what was answered."""
    service.log = log
    log.objective("above")
    log.align("broken", "above")
    log.check_in("broken", "broken-kr", 10.0)
    log.check_in("sound", "sound-kr", 20.0)
    await service.apply()
    moments = [each.time for each in log.events]
    query = {"root": named("above"), "depth": 0}
    before = [
        await service.get("/alignment-tree", as_of=moment.isoformat(), **query)
        for moment in moments[-5:-1]
    ]
    defect.undo()
    await service.admin.post(f"/parked-aggregates/{named('broken')}/replay")
    after = [
        await service.get("/alignment-tree", as_of=moment.isoformat(), **query)
        for moment in moments[-5:-1]
    ]
    assert after == before
    now = await service.get("/alignment-tree", **query)
    assert now["nodes"][0]["progress"] == 0.1


async def test_replaying_stops_at_what_still_cannot_be_applied(
    service: Service, log: GoalsLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.log = log
    log.add_raw(named("broken"), CHECKED_IN, b'{"value": "much"}')
    log.check_in("broken", "broken-kr", 10.0)
    await service.apply()
    path = f"/parked-aggregates/{named('broken')}/replay"
    answer = (await service.admin.post(path)).json()
    assert answer["replayed"] == 0
    (parked,) = answer["parked"]
    assert (parked["events"], parked["first_version"]) == (2, 4)


async def test_a_body_that_cannot_be_read_parks_without_being_repeated(
    applier: Applier, log: GoalsLog, store: Store
) -> None:
    log.add_raw(named("broken"), CHECKED_IN, b'{"value": "secret", "objective_id": 7}')
    log.add_raw(named("sound"), CHECKED_IN, b"not json")
    await applier.apply(log.events)
    rows = store.rows("SELECT reason FROM parked_aggregates ORDER BY parked_at, aggregate_id")
    reasons = " ".join(row["reason"] for row in rows)
    assert "the body cannot be read: context: Field required" in reasons
    assert "Invalid JSON" in reasons
    assert "secret" not in reasons


async def test_what_postgresql_cannot_store_parks_and_does_not_stop_the_stream(
    applier: Applier, log: GoalsLog, store: Store
) -> None:
    log.objective("nul \0 character")
    log.check_in("sound", "sound-kr", 20.0)
    await applier.apply(log.events)
    (parked,) = store.rows("SELECT * FROM parked_aggregates")
    assert "NUL character" in parked["reason"]
    assert await applier.position() == log.events[-1].position


async def test_a_version_that_is_skipped_parks_until_it_comes(
    applier: Applier, new_applier: Callable[[], Applier], log: GoalsLog, store: Store
) -> None:
    log.check_in("broken", "broken-kr", 10.0)
    log.check_in("broken", "broken-kr", 20.0)
    log.check_in("broken", "broken-kr", 30.0)
    first, second, third = log.events[-3:]
    swapped = [
        first,
        replace(third, position=second.position, previous_position=first.position),
        replace(second, position=third.position, previous_position=second.position),
    ]
    await applier.apply([*log.events[:-3], *swapped])
    (parked,) = store.rows("SELECT * FROM parked_aggregates")
    assert parked["reason"] == "version 6 came after version 4"
    assert parked_rows(store) == [(str(named("broken")), 6), (str(named("broken")), 5)]
    assert await new_applier().replay(str(named("broken"))) == 2
    projected = Projected(log.events)
    versions = [each for found in store.versions().values() for each in found]
    holding = [each.row for each in versions if each.valid_to is None]
    assert [row.value for row in holding if isinstance(row, KeyResult)] == [None, 30.0]
    assert projected.progress("broken") == 0.3


async def test_a_batch_after_a_replay_starts_from_what_the_replay_left(
    applier: Applier,
    new_applier: Callable[[], Applier],
    log: GoalsLog,
    store: Store,
    defect: pytest.MonkeyPatch,
) -> None:
    log.check_in("broken", "broken-kr", 10.0)
    await applier.apply(log.events)
    defect.undo()
    await new_applier().replay(str(named("broken")))
    log.key_result("broken", "another-kr")
    await applier.apply(log.events[-1:])
    (progress,) = store.rows(
        "SELECT progress FROM okr_progress WHERE valid_to = 'infinity' AND objective_id = %s",
        named("broken"),
    )
    assert progress["progress"] == 0.05
    assert parked_rows(store) == []


async def test_parked_aggregates_are_listed_page_by_page(service: Service, log: GoalsLog) -> None:
    service.log = log
    for name in ("sound", "broken"):
        log.add_raw(named(name), CHECKED_IN, b"{}")
    await service.apply()
    first = (await service.admin.get("/parked-aggregates", limit=1)).json()
    second = (await service.admin.get("/parked-aggregates", limit=1, cursor=first["next"])).json()
    assert second["next"] is None
    items = [*first["items"], *second["items"]]
    assert [item["id"] for item in items] == sorted(map(str, map(named, ("sound", "broken"))))
    assert items[0]["group"] == "okrs"
    assert (items[0]["events"], items[0]["first_version"]) == (1, 4)


@pytest.mark.parametrize(
    "place", ["nonsense", '["\\u0000", "a"]', '["a", "\\u0000"]', '["\\ud800", "a"]']
)
async def test_a_cursor_made_elsewhere_is_a_problem(service: Service, place: str) -> None:
    cursor = urlsafe_b64encode(place.encode()).decode()
    response = await service.admin.get("/parked-aggregates", cursor=cursor)
    assert problem(response) == (422, "malformed-cursor")


async def test_parked_aggregates_are_for_administrators(service: Service) -> None:
    assert problem(await service.reader.get("/parked-aggregates")) == (403, "missing-scope")
    response = await service.reader.post(f"/parked-aggregates/{named('broken')}/replay")
    assert problem(response) == (403, "missing-scope")


async def test_what_cannot_be_an_id_is_not_looked_for(service: Service) -> None:
    response = await service.admin.post("/parked-aggregates/%00/replay")
    assert problem(response) == (422, "invalid-request")


async def test_what_is_not_parked_cannot_be_replayed(service: Service, applier: Applier) -> None:
    response = await service.admin.post(f"/parked-aggregates/{named('broken')}/replay")
    assert problem(response) == (404, "not-found")
