"""Readings are judged one by one: the good ones of a batch are kept, the others say why not."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.periods import periods_of, to_instant
from services.metrics.domain.readings import (
    EARLIEST,
    MAX_AHEAD,
    MAX_ID_CHARACTERS,
    MAX_MAGNITUDE,
    MAX_TEXT_CHARACTERS,
    Admission,
    Judgement,
    RecordableKpi,
    judge,
)
from tests.unit.metrics.given import NOW

MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Submitted:
    kpi: str = "sales.revenue"
    at: datetime = NOW
    value: float = 5.0
    source: str = "pos-1"
    id: str | None = None
    note: str | None = None
    correction: bool = False
    reason: str | None = None


KPIS = {
    "sales.revenue": RecordableKpi(7, 2, periods_of("day", "UTC"), retired=False),
    "sales.gone": RecordableKpi(8, 1, periods_of("day", "UTC"), retired=True),
}
ADMISSION = Admission(find_kpi=KPIS.get, may_write=lambda key: key.startswith("sales."), now=NOW)


def judged(*readings: Submitted, admission: Admission = ADMISSION) -> Judgement:
    return judge(enumerate(readings), admission)


def code(admission: Admission = ADMISSION, **changes: Any) -> str | None:
    """Why a reading that is good but for these changes is refused."""
    judgement = judged(Submitted(**changes), admission=admission)
    if judgement.entries:
        assert judgement.rejections == []
        return None
    [rejection] = judgement.rejections
    assert rejection.detail
    return rejection.code


def test_a_good_reading_has_an_identity_and_a_period() -> None:
    reading = Submitted()
    [(identity, period, kept, place)] = judged(reading).entries
    assert identity == (7, to_instant(NOW), "pos-1")
    day = timedelta(days=1)
    assert period == (7, 2, to_instant(MIDNIGHT), to_instant(MIDNIGHT + day))
    assert (kept, place) == (reading, 0)


@pytest.mark.parametrize(
    ("kpi", "refused"),
    [
        ("sales.unheard", "unknown-kpi"),
        ("sales.gone", "retired-kpi"),
        ("people.salaries", "forbidden-kpi"),
        ("", "forbidden-kpi"),
    ],
)
def test_a_kpi_takes_readings_if_it_is_known_live_and_in_reach(kpi: str, refused: str) -> None:
    assert code(kpi=kpi) == refused


def test_whoever_may_not_write_to_a_kpi_does_not_learn_that_it_exists() -> None:
    nobody = replace(ADMISSION, may_write=lambda _: False)
    assert {code(nobody, kpi=key) for key in [*KPIS, "sales.unheard"]} == {"forbidden-kpi"}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), MAX_MAGNITUDE * 1.01, -1.7e308]
)
def test_a_value_that_no_sum_could_hold_is_refused(value: float) -> None:
    assert code(value=value) == "not-finite"


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, MAX_MAGNITUDE, -MAX_MAGNITUDE])
def test_every_other_value_is_taken(value: float) -> None:
    assert code(value=value) is None


@pytest.mark.parametrize(
    ("at", "refused"),
    [
        (NOW.replace(tzinfo=None), "no-time-zone"),
        (NOW + MAX_AHEAD, None),
        (NOW + MAX_AHEAD + timedelta(microseconds=1), "too-far-ahead"),
        (datetime.max.replace(tzinfo=UTC), "too-far-ahead"),
        (EARLIEST, None),
        (EARLIEST - timedelta(microseconds=1), "too-long-ago"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), "too-long-ago"),
        ((NOW + MAX_AHEAD).astimezone(timezone(timedelta(hours=-11))), None),
    ],
)
def test_a_reading_was_true_at_a_moment_that_can_have_been(
    at: datetime, refused: str | None
) -> None:
    assert code(at=at) == refused


@pytest.mark.parametrize("source", ["", "a.b", "a b", "ä", "*", ">", "x" * 65, "a\n", "\ud800"])
def test_a_source_is_one_token(source: str) -> None:
    assert code(source=source) == "bad-source"


def test_the_way_a_reading_came_says_whose_it_is() -> None:
    from_bus = replace(ADMISSION, source="pos-1")
    assert code(from_bus, source="") is None
    assert code(from_bus, source="pos-1") is None
    assert code(from_bus, source="pos-2") == "foreign-source"
    [(identity, *_)] = judged(Submitted(source=""), admission=from_bus).entries
    assert identity[2] == "pos-1"


@pytest.mark.parametrize("reason", [None, "", "  \t"])
def test_a_correction_says_why(reason: str | None) -> None:
    assert code(correction=True, reason=reason) == "correction-without-reason"


def test_a_correction_with_a_reason_is_taken() -> None:
    assert code(correction=True, reason="typo") is None


@pytest.mark.parametrize("field", ["id", "note", "reason"])
def test_a_text_is_one_that_can_be_kept(field: str) -> None:
    longest = MAX_ID_CHARACTERS if field == "id" else MAX_TEXT_CHARACTERS
    assert code(**{field: "ä" * longest}) is None
    assert code(**{field: "ä" * (longest + 1)}) == "bad-text"
    assert code(**{field: "a\0b"}) == "bad-text"
    assert code(**{field: "a\ud83d"}) == "bad-text"


def test_a_bad_row_costs_nothing_but_itself() -> None:
    judgement = judged(
        Submitted(value=1.0),
        Submitted(value=float("nan")),
        Submitted(kpi="sales.unheard"),
        Submitted(value=4.0),
    )
    assert [(place, kept.value) for _, _, kept, place in judgement.entries] == [(0, 1.0), (3, 4.0)]
    refused = [(rejection.place, rejection.code) for rejection in judgement.rejections]
    assert refused == [(1, "not-finite"), (2, "unknown-kpi")]


@given(
    st.lists(
        st.builds(
            Submitted,
            kpi=st.sampled_from([*KPIS, "sales.unheard", "people.salaries"]),
            value=st.floats(),
            source=st.sampled_from(["pos-1", "", "a b"]),
            at=st.datetimes(timezones=st.sampled_from([None, UTC])),
            correction=st.booleans(),
        )
    )
)
def test_every_row_is_either_kept_or_refused(readings: list[Submitted]) -> None:
    judgement = judged(*readings)
    kept = [place for *_, place in judgement.entries]
    refused = [rejection.place for rejection in judgement.rejections]
    assert sorted(kept + refused) == list(range(len(readings)))


def test_periods_of_a_batch_change_with_its_days() -> None:
    days = [NOW, NOW - timedelta(days=1), NOW]
    judgement = judged(*(Submitted(at=at) for at in days))
    first, second, third = [period for _, period, *_ in judgement.entries]
    assert first == third != second
