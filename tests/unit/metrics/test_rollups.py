import pytest

from services.metrics.rollups import pause_seconds


@pytest.mark.parametrize(
    ("took", "pause"),
    [(0.0, 1.0), (0.2, 1.0), (1.0, 3.0), (2.0, 6.0), (120.0, 10.0)],
)
def test_a_sweep_is_followed_by_a_pause_that_is_fair_and_bounded(took: float, pause: float) -> None:
    assert pause_seconds(took, interval_seconds=1.0) == pause


def test_a_longer_interval_is_kept() -> None:
    assert pause_seconds(120.0, interval_seconds=60.0) == 60.0
