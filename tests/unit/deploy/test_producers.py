from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from pydantic import ValidationError

from contracts.readings import Reading as ReadingContract
from deploy.local.producers import (
    HTTP_KPIS,
    INTERVAL_SECONDS,
    LONGEST_PAUSE_SECONDS,
    NATS_KPIS,
    ProducerSettings,
    pauses,
    read,
)
from deploy.local.sample.kpis import KPIS

NOW = datetime(2026, 2, 20, 15, 30, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("kpis", [HTTP_KPIS, NATS_KPIS], ids=["http", "nats"])
def test_every_kpi_is_read_plausibly(kpis: tuple[str, ...]) -> None:
    courses = {each.key: each.course for each in KPIS}
    for step in range(100):
        at = NOW + timedelta(seconds=step * INTERVAL_SECONDS)
        readings = read(kpis, at)
        assert sorted(each.kpi for each in readings) == sorted(kpis)
        assert {each.at for each in readings} == {at}
        for each in readings:
            course = courses[each.kpi]
            low, high = sorted((course.beginning, course.end))
            assert low * 0.6 <= each.value <= high * 1.4


def test_what_is_read_has_the_form_of_the_contract() -> None:
    (reading, *_) = read(HTTP_KPIS, NOW)
    parsed = ReadingContract.model_validate(reading.document())
    assert (parsed.kpi, parsed.at, parsed.value) == reading


def test_no_kpi_has_two_producers() -> None:
    assert not set(HTTP_KPIS) & set(NATS_KPIS)


def test_pauses_grow_and_have_a_bound() -> None:
    first = list(islice(pauses(), 10))
    assert first[:4] == [0.5, 1.0, 2.0, 4.0]
    assert first[-1] == LONGEST_PAUSE_SECONDS


def test_a_source_that_is_no_subject_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_METRICS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CAIRN_NATS_URL", "nats://127.0.0.1:1")
    monkeypatch.setenv("CAIRN_TOKEN", "t")
    assert ProducerSettings().producer_source == "simulator"
    monkeypatch.setenv("CAIRN_PRODUCER_SOURCE", "simulator.>")
    with pytest.raises(ValidationError, match="producer_source"):
        ProducerSettings()
