"""What a cell says: text without formulas, numbers and days in any notation, lists."""

import pytest

from services.goals.exchange import cells
from services.goals.exchange.cells import CellError, DateFormat, Decimal, Notation


def of(decimal: Decimal = ".", dates: DateFormat = "YYYY-MM-DD") -> Notation:
    return Notation(decimal=decimal, dates=dates)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(0)", "'=HYPERLINK(0)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("'=1", "''=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'tis", "'tis"),
        ("1=1", "1=1"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_run_has_an_apostrophe_before_it(text: str, written: str) -> None:
    assert cells.guarded(text) == written
    assert cells.unguarded(written) == text


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1.5", ".", 1.5),
        ("1,234.5", ".", 1234.5),
        ("1.234,5", ",", 1234.5),
        ("1 234 567,25", ",", 1234567.25),
        ("1\u202f234,5", ",", 1234.5),
        ("1'234.5", ".", 1234.5),
        ("12 %", ".", 12.0),
        ("-3,5%", ",", -3.5),
        ("\u22122", ".", -2.0),
        (" 7 ", ".", 7.0),
        (".5", ".", 0.5),
        ("1e3", ".", 1000.0),
        ("1.234", ",", 1234.0),
    ],
)
def test_a_number_is_read_in_its_notation(text: str, decimal: Decimal, number: float) -> None:
    assert cells.number(text, of(decimal)) == number


@pytest.mark.parametrize(
    "text", ["", "x", "nan", "inf", "1,5", "1,23,4", "--1", "1.2.3", "0x10", "1_000", "٣", "%"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(CellError, match="number"):
        cells.number(text, of("."))


def test_a_number_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(CellError, match="larger") as refused:
        cells.number("1e309", of())
    assert refused.value.code == "number_too_large"


def test_a_share_may_be_told_in_percent() -> None:
    assert cells.share("80 %", of()) == 0.8
    assert cells.share("0.8", of()) == 0.8


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("2026-03-31", "YYYY-MM-DD"),
        ("2026/03/31", "YYYY/MM/DD"),
        ("31.03.2026", "DD.MM.YYYY"),
        ("31/3/2026", "DD/MM/YYYY"),
        ("3/31/2026", "MM/DD/YYYY"),
    ],
)
def test_a_day_is_read_in_its_form(text: str, layout: DateFormat) -> None:
    assert cells.day(text, of(dates=layout)) == "2026-03-31"


@pytest.mark.parametrize("text", ["", "31.03.2026", "2026-02-30", "tomorrow", "2026-03-31T00:00Z"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(CellError, match="YYYY-MM-DD"):
        cells.day(text, of())


def test_entries_of_a_list_stand_apart_by_semicolons_or_lines() -> None:
    assert cells.read_list("a; b\nc;", ("label",), of()) == ["a", "b", "c"]


def test_parts_of_an_entry_stand_apart_by_bars() -> None:
    parts = ("title", "weight", "done")
    assert cells.read_list("German | 2 | done; French", parts, of()) == [
        {"title": "German", "weight": 2.0, "done": True},
        {"title": "French"},
    ]
    assert cells.read_list("31.03.2026 | 1.234,5", ("on", "value"), of(",", "DD.MM.YYYY")) == [
        {"on": "2026-03-31", "value": 1234.5}
    ]


@pytest.mark.parametrize("text", ["a | b | c", "[1", "[]x"])
def test_a_list_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(CellError, match=r"entry|array"):
        cells.read_list(text, ("kind", "id"), of())


def test_a_label_is_brought_into_our_form() -> None:
    assert cells.label(" Customer Success & Care ") == "customer-success-care"


@pytest.mark.parametrize(
    ("number", "text"), [(5.0, "5"), (-2.5, "-2.5"), (1e22, "1e+22"), (0.1, "0.1")]
)
def test_a_number_is_written_as_short_as_it_can_be(number: float, text: str) -> None:
    assert cells.number_text(number) == text
    assert cells.number(text, of()) == number
