"""Exactly once: a batch and its checkpoint in one transaction, whatever is delivered again."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import reviews
from contracts.cloudevents import CloudEvent
from services.chassis.postgres import Connection
from services.projections.applying import Applier, BrokenChainError
from services.projections.checkpoints import CheckpointMovedError, Checkpoints
from tests.integration.projections.conftest import Store
from tests.unit.projections.goals_log import GoalsLog, named
from tests.unit.projections.okrs.projected import Projected
from tests.unit.projections.random_logs import goals_logs

NewApplier = Callable[[], Applier]
# Far more pairs of objectives than the rows that an event about one of them has to do with.
MANY = 100


@pytest.fixture
def log() -> GoalsLog:
    log = GoalsLog()
    log.cycle()
    for name in ("company", "team", "person"):
        log.objective(name, {f"{name}-kr": 1.0})
    log.align("team", "company")
    log.align("person", "team", "team-kr")
    for value in (10.0, 20.0, 30.0):
        log.check_in("person", "person-kr", value)
        log.same_moment().check_in("company", "company-kr", value)
    log.unalign("person", "team", "team-kr")
    return log


def expected(events: Sequence[CloudEvent]) -> object:
    return Projected(events).versions()


async def test_a_batch_becomes_rows_and_moves_the_checkpoint(
    applier: Applier, log: GoalsLog, store: Store
) -> None:
    await applier.apply(log.events)
    assert store.versions() == expected(log.events)
    assert await applier.position() == log.events[-1].position
    (checkpoint,) = store.rows("SELECT * FROM checkpoints")
    assert checkpoint["recorded_at"] == log.now
    assert checkpoint["skipped_events"] == 0


async def test_what_was_committed_and_not_acknowledged_is_not_applied_again(
    applier: Applier, new_applier: NewApplier, log: GoalsLog, store: Store
) -> None:
    await applier.apply(log.events[:10])  # and now the process is gone
    successor = new_applier()
    await successor.apply(log.events[:10])
    assert store.versions() == expected(log.events[:10])
    await successor.apply(log.events[5:])
    assert store.versions() == expected(log.events)


async def test_what_was_not_committed_left_nothing_behind(
    applier: Applier, log: GoalsLog, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the process is gone")

    await applier.apply(log.events[:10])
    with monkeypatch.context() as crashing:
        crashing.setattr(Checkpoints, "advance", fail)
        with pytest.raises(RuntimeError):
            await applier.apply(log.events[10:15])
    assert store.versions() == expected(log.events[:10])
    await applier.apply(log.events[10:])
    assert store.versions() == expected(log.events)


@dataclass(frozen=True)
class Look:
    """What a transaction has done when all but its checkpoint is written."""

    read_whole: list[str]
    rows_fetched: int
    synchronous_commit: str


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    """A look into each transaction of an applier."""
    taken: list[Look] = []
    advance = Checkpoints.advance

    async def look_and_advance(
        self: Checkpoints, connection: Connection, *given: Any, **named: Any
    ) -> None:
        # Else what is counted includes transactions before, for up to a second.
        await connection.execute("SELECT pg_stat_force_next_flush()")
        found = await connection.execute(
            "SELECT array_agg(relname) FILTER (WHERE seq_scan > 0), sum(idx_tup_fetch),"
            " current_setting('synchronous_commit') FROM pg_stat_xact_user_tables"
        )
        ((read_whole, rows_fetched, synchronous_commit),) = await found.fetchall()
        taken.append(Look(read_whole or [], int(rows_fetched), synchronous_commit))
        await advance(self, connection, *given, **named)

    monkeypatch.setattr(Checkpoints, "advance", look_and_advance)
    return taken


async def test_rows_are_found_by_index_and_a_batch_waits_for_no_flush(
    applier: Applier, log: GoalsLog, looks: list[Look]
) -> None:
    await applier.apply(log.events[:10])
    await applier.apply(log.events[10:])
    assert [(each.read_whole, each.synchronous_commit) for each in looks] == [([], "off")] * 2


async def test_no_statement_reads_more_the_more_is_stored(
    applier: Applier, new_applier: NewApplier, looks: list[Look]
) -> None:
    log = GoalsLog()
    log.cycle()
    for number in range(MANY):
        log.objective(f"child {number}", {f"kr {number}": 1.0})
        log.objective(f"parent {number}")
        log.align(f"child {number}", f"parent {number}")
    await applier.apply(log.events)
    looks.clear()
    applied = len(log.events)
    for number in range(10):  # past what it takes until a statement is prepared
        log.check_in(f"child {number}", f"kr {number}", 50.0)
        await applier.apply(log.events[applied:])  # its rows are in memory
        log.check_in(f"child {number}", f"kr {number}", 70.0)
        await new_applier().apply(log.events[applied + 1 :])  # nothing is
        applied = len(log.events)
    assert max(each.rows_fetched for each in looks) < MANY


async def test_a_former_leader_with_old_rows_in_memory_reads_them_anew(
    applier: Applier, new_applier: NewApplier, log: GoalsLog, store: Store
) -> None:
    other = new_applier()
    await applier.apply(log.events[:8])
    await other.apply(log.events[:12])
    await applier.apply(log.events[8:16])
    await other.apply(log.events[12:])
    assert store.versions() == expected(log.events)


async def test_a_moment_that_was_cut_in_two_is_one_moment_for_a_successor_as_well(
    applier: Applier, new_applier: NewApplier, log: GoalsLog, store: Store
) -> None:
    log.unalign("team", "company")
    log.same_moment().check_in("team", "team-kr", 50.0)
    cut = len(log.events)
    log.same_moment().align("team", "company")
    log.same_moment().check_in("team", "team-kr", 0.0)
    await applier.apply(log.events[:cut])
    await new_applier().apply(log.events[cut:])
    assert store.versions() == expected(log.events)


async def test_two_leaders_at_once_apply_every_event_once(
    applier: Applier, new_applier: NewApplier, log: GoalsLog, store: Store
) -> None:
    other = new_applier()
    for end in range(4, len(log.events) + 1, 4):
        await asyncio.gather(applier.apply(log.events[:end]), other.apply(log.events[:end]))
    await asyncio.gather(applier.apply(log.events), other.apply(log.events))
    assert store.versions() == expected(log.events)


async def test_a_checkpoint_moved_behind_the_lock_is_noticed(
    applier: Applier, log: GoalsLog, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = Checkpoints.lock

    async def lock_and_mistake(*arguments: object) -> object:
        found = await lock(*arguments)  # type: ignore[arg-type]
        return replace(found, revision=found.revision + 1)

    monkeypatch.setattr(Checkpoints, "lock", lock_and_mistake)
    with pytest.raises(CheckpointMovedError):
        await applier.apply(log.events)
    assert store.versions() == {}


async def test_a_gap_before_a_batch_is_refused(
    applier: Applier, log: GoalsLog, store: Store
) -> None:
    await applier.apply(log.events[:5])
    with pytest.raises(BrokenChainError):
        await applier.apply(log.events[6:])
    assert store.versions() == expected(log.events[:5])


async def test_types_newer_than_the_code_are_counted_and_passed_over(
    applier: Applier, log: GoalsLog, store: Store
) -> None:
    before = len(log.events)
    newer = log.add_raw(
        log.objective("newer"), "cairn.goals.objective.celebrated.v1", b'{"cake": true}'
    )
    log.key_result("newer", "newer-kr")
    await applier.apply(log.events)
    without = [each for each in log.events if each is not newer]
    known = Projected(log.events[:before])
    known.apply([replace(each, aggregate_version=n) for n, each in enumerate(without[before:], 1)])
    assert store.versions() == known.versions()
    assert store.rows("SELECT skipped_events FROM checkpoints") == [{"skipped_events": 1}]
    assert store.rows("SELECT * FROM parked_events") == []


async def test_reviews_are_known_and_change_nothing(
    applier: Applier, log: GoalsLog, store: Store
) -> None:
    before = expected(log.events)
    for about in ({"objective_id": named("team")}, {"kpi": "sales.revenue"}):
        review_id = named(str(about))
        log.add(review_id, reviews.ReviewOpened, review_id=review_id, concern="Late \0", **about)
        log.add(review_id, reviews.ReviewClosed, review_id=review_id, resolution="Hired.")
    await applier.apply(log.events)
    assert store.versions() == before
    assert store.rows("SELECT skipped_events FROM checkpoints") == [{"skipped_events": 0}]
    assert store.rows("SELECT * FROM parked_events") == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    log=goals_logs(),
    cuts=st.lists(st.integers(0, 50), max_size=4),
    successions=st.lists(st.booleans(), min_size=5, max_size=5),
    redelivered=st.integers(0, 5),
)
async def test_any_cuts_and_any_succession_of_leaders_give_the_same_rows(
    new_applier: NewApplier,
    store: Store,
    log: GoalsLog,
    cuts: list[int],
    successions: list[bool],
    redelivered: int,
) -> None:
    store.empty()
    applier = new_applier()
    ends = [*sorted(cuts), len(log.events)]
    for start, end, succeeded in zip([0, *ends], ends, successions, strict=False):
        if succeeded:
            applier = new_applier()
        await applier.apply(log.events[max(0, start - redelivered) : end])
    assert store.versions() == expected(log.events)
