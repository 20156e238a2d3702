"""KPIs are defined once, redefined with a reason, and retired for good."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.metrics.domain import kpi as kpis
from services.metrics.domain.errors import (
    DefinitionUnchangedError,
    KpiKeyError,
    KpiRetiredError,
    ReasonRequiredError,
    TimeZoneUnknownError,
)
from services.metrics.domain.events import KpiDefined, KpiRedefined, KpiRetired
from services.metrics.domain.kpi import kpi_id
from tests.unit.metrics.given import DEFINED, NOW, TERMS, a_kpi, after

KEY = DEFINED.key
MEAN = replace(TERMS, aggregation="mean")
REDEFINED = KpiRedefined(key=KEY, definition=2, terms=MEAN)
RETIRED = KpiRetired(key=KEY)


def test_a_kpi_is_defined_as_asked() -> None:
    assert kpis.define(KEY, TERMS) == KpiDefined(key=KEY, terms=TERMS)


@pytest.mark.parametrize("key", ["a", "a.b-c.d_9", ".".join(["x" * 40] * 8)])
def test_a_key_is_words_joined_by_dots(key: str) -> None:
    assert kpis.define(key, TERMS).key == key


@pytest.mark.parametrize(
    "key", ["", "Sales", "a..b", ".a", "a.", "a b", "a*", "x" * 41, ".".join(["x"] * 9), "a\n"]
)
def test_another_key_is_refused(key: str) -> None:
    with pytest.raises(KpiKeyError, match="1 to 8 words"):
        kpis.define(key, TERMS)


ZONES = ["Europe/Nowhere", "Europe", "", "../etc/passwd", "/etc/localtime", "a\0b"]


@pytest.mark.parametrize("time_zone", ZONES)
def test_a_time_zone_that_is_none_is_refused(time_zone: str) -> None:
    terms = replace(TERMS, time_zone=time_zone)
    with pytest.raises(TimeZoneUnknownError, match="IANA"):
        kpis.define(KEY, terms)
    with pytest.raises(TimeZoneUnknownError, match="IANA"):
        kpis.redefine(a_kpi(), terms, reason="moved")


def test_a_redefinition_is_the_next_definition() -> None:
    assert kpis.redefine(a_kpi(), MEAN, reason="a sum misleads") == REDEFINED
    third = kpis.redefine(a_kpi(REDEFINED), TERMS, reason="back")
    assert third == KpiRedefined(key=KEY, definition=3, terms=TERMS)


@pytest.mark.parametrize("reason", ["", " \t\n"])
def test_a_redefinition_says_why(reason: str) -> None:
    with pytest.raises(ReasonRequiredError):
        kpis.redefine(a_kpi(), MEAN, reason=reason)


def test_a_redefinition_that_changes_nothing_is_refused() -> None:
    with pytest.raises(DefinitionUnchangedError, match="definition 2"):
        kpis.redefine(a_kpi(REDEFINED), MEAN, reason="again")


def test_a_kpi_is_retired_once() -> None:
    assert kpis.retire(a_kpi()) == RETIRED
    with pytest.raises(KpiRetiredError):
        kpis.retire(a_kpi(RETIRED))


def test_a_retired_kpi_is_not_redefined() -> None:
    with pytest.raises(KpiRetiredError, match="can only be read"):
        kpis.redefine(a_kpi(RETIRED), MEAN, reason="too late")


def test_a_kpi_is_what_its_events_made_of_it() -> None:
    kpi = a_kpi(REDEFINED, RETIRED)
    assert (kpi.key, kpi.definition, kpi.terms) == (KEY, 2, MEAN)
    assert kpi.defined_at == NOW + timedelta(minutes=1)
    assert kpi.changed_at == kpi.retired_at == NOW + timedelta(minutes=3)
    assert a_kpi(REDEFINED).retired_at is None


@pytest.mark.parametrize("event", [REDEFINED, RETIRED])
def test_nothing_happens_to_a_kpi_that_was_never_defined(event: KpiRedefined | KpiRetired) -> None:
    with pytest.raises(AssertionError, match="cannot follow"):
        after([event])


def test_the_id_follows_from_the_key() -> None:
    assert kpi_id(KEY) == kpi_id(KEY) != kpi_id("sales.revenue.weekly")
