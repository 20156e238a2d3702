"""How long a relay lets events gather."""

from services.chassis.bus import MAX_BATCH_MESSAGES
from services.chassis.eventstore.relay import (
    FIRST_GATHER_SECONDS,
    MAX_GATHER_SECONDS,
    MAX_TRICKLE_EVENTS,
    Gathering,
)

WORK_SECONDS = 0.01


def waits(
    rate: float, looks: int, gathering: Gathering, *, seconds: float = FIRST_GATHER_SECONDS
) -> list[float]:
    """The waits of a relay that finds `rate` events a second, after a wait of `seconds`."""
    found = []
    for _ in range(looks):
        seconds = gathering.after(round(rate * (WORK_SECONDS + seconds)))
        found.append(seconds)
    return found


def test_a_trickle_is_published_at_once() -> None:
    gathering = Gathering()
    assert [gathering.after(each) for each in (0, 1, MAX_TRICKLE_EVENTS)] == [0, 0, 0]


def test_one_large_command_holds_up_little_of_what_comes_next() -> None:
    gathering = Gathering()
    for _ in range(2):
        assert gathering.after(300) == FIRST_GATHER_SECONDS
        assert gathering.after(300) == 2 * FIRST_GATHER_SECONDS
        assert gathering.after(2) == 0


def test_the_longer_and_the_larger_a_flood_the_longer_it_is_waited_for() -> None:
    assert waits(1_700, 8, Gathering())[-1] == MAX_GATHER_SECONDS
    slower = waits(700, 30, Gathering())
    assert 0 < min(slower) <= max(slower) < MAX_GATHER_SECONDS / 2


def test_what_has_slowed_down_finds_back_to_a_trickle() -> None:
    gathering = Gathering()
    waits(1_700, 8, gathering)
    assert waits(200, 8, gathering, seconds=MAX_GATHER_SECONDS)[-1] == 0


def test_a_backlog_is_not_waited_for() -> None:
    assert Gathering().after(MAX_BATCH_MESSAGES) == 0
