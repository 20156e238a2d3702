"""What texts and dates in a request body have to look like, and what their senders are told."""

import re
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Annotated, Any

import pytest
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from services.chassis.bodies import DAY_FORM, LINE, MOMENT_FORM, WORDS, WORDS_OR_NOTHING, Reason

TITLE = TypeAdapter[Any](Annotated[str, LINE])
COMMENT = TypeAdapter[Any](Annotated[str, WORDS])
DESCRIPTION = TypeAdapter[Any](Annotated[str, WORDS_OR_NOTHING])
REASON = TypeAdapter[Any](Reason)
DAY = TypeAdapter[Any](Annotated[date, DAY_FORM])
MOMENT = TypeAdapter[Any](Annotated[AwareDatetime, MOMENT_FORM])

UNSEEN = [
    " ",
    "   ",
    "\n",
    "\t\r\n",
    "\u200b",
    "\u00a0",
    "\ufeff",
    "\u2060\u200d",
    "\u3164",
    "\x1b",
]
WRITTEN = ["x", " x", "x ", "\u200bx", "Über 8 %", "目標", "👩\u200d💻", "مرحبا\u200f", "a\u00a0b"]
LINES_NO_MORE = [
    "a\nb",
    "a\n",
    "\na",
    "a\rb",
    "\x1b]0;pwned\x07",
    "a\tb",
    "a\x7f",
    "a\u2028b",
    "\x9b31m",
]


def refusal(type_: TypeAdapter[Any], value: object) -> tuple[str, str]:
    with pytest.raises(ValidationError) as refused:
        type_.validate_python(value)
    fault = refused.value.errors()[0]
    return fault["type"], fault["msg"]


@pytest.mark.parametrize("text", UNSEEN)
def test_what_nobody_can_see_is_no_text(text: str) -> None:
    assert refusal(TITLE, text)[0] == "not_a_line"
    for type_ in (COMMENT, REASON):
        assert refusal(type_, text) == ("nothing_to_see", "Write something that can be seen.")
    assert "leave it out" in refusal(DESCRIPTION, text)[1]


@pytest.mark.parametrize("text", WRITTEN)
def test_what_can_be_seen_is_kept_as_it_was_sent(text: str) -> None:
    for type_ in (TITLE, COMMENT, REASON, DESCRIPTION):
        assert type_.validate_python(text) == text


@pytest.mark.parametrize("text", LINES_NO_MORE)
def test_a_line_has_no_control_characters_but_other_texts_may_break_lines(text: str) -> None:
    code, message = refusal(TITLE, text)
    assert code == "not_a_line"
    assert message.startswith("It is one line of text")
    assert COMMENT.validate_python(text) == text


def test_a_description_may_be_empty_and_no_text_holds_a_nul() -> None:
    assert DESCRIPTION.validate_python("") == ""
    for type_ in (TITLE, COMMENT, REASON, DESCRIPTION):
        refusal(type_, "a\x00")


@pytest.mark.parametrize("type_", [TITLE, COMMENT, REASON, DESCRIPTION])
def test_the_json_schema_shows_the_same_rule(type_: TypeAdapter[Any]) -> None:
    pattern = type_.json_schema()["pattern"]
    assert all(re.fullmatch(pattern, each) for each in WRITTEN)
    assert not any(re.fullmatch(pattern, each) for each in UNSEEN)


def test_a_rule_keeps_what_else_the_json_schema_says() -> None:
    class Sent(BaseModel):
        reason: Reason | None = None

    (shown, _) = Sent.model_json_schema()["properties"]["reason"]["anyOf"]
    assert (shown["type"], shown["minLength"], shown["maxLength"]) == ("string", 1, 2_000)
    assert shown["pattern"].startswith("^")


@pytest.mark.parametrize("text", ["a" * 100_000 + "\x00", " " * 100_000, " a" * 50_000 + "\x00"])
def test_no_text_takes_long_to_judge(text: str) -> None:
    begun = perf_counter()
    for type_ in (TITLE, COMMENT, DESCRIPTION):
        refusal(type_, text)
    assert perf_counter() - begun < 1


@pytest.mark.parametrize(
    "value",
    [
        0,
        86_400,
        1.5,
        True,
        "0",
        "86400",
        "20260331",
        "2026-03-31T00:00:00Z",
        "31.03.2026",
        "٢٠٢٦-03-31",
        b"2026-03-31",
        [],
        None,
    ],
)
def test_a_day_is_written_in_one_way(value: object) -> None:
    assert refusal(DAY, value) == ("date_form", "A day is written like 2026-03-31.")


@pytest.mark.parametrize(
    "value",
    [
        0,
        1_780_000_000,
        "1780000000",
        "2026-03-31",
        "2026-03-31T09:00:00",
        "2026-03-31T09:00Z",
        "now",
        None,
    ],
)
def test_a_moment_is_written_in_one_way(value: object) -> None:
    code, message = refusal(MOMENT, value)
    assert code == "datetime_form"
    assert message == "A moment is written with its zone, like 2026-03-31T09:00:00Z."


def test_days_and_moments_are_understood_and_those_that_are_none_refused() -> None:
    assert DAY.validate_python("2026-03-31") == date(2026, 3, 31)
    assert DAY.validate_json('"2026-03-31"') == date(2026, 3, 31)
    assert DAY.validate_python(date(2026, 3, 31)) == date(2026, 3, 31)
    expected = datetime(2026, 3, 31, 9, tzinfo=UTC)
    for written in ("2026-03-31T09:00:00Z", "2026-03-31t11:00:00.000+02:00", expected):
        assert MOMENT.validate_python(written) == expected
    refusal(DAY, "2026-02-30")
    refusal(MOMENT, "2026-02-30T09:00:00Z")


def test_the_json_schema_of_dates_is_that_of_any_date() -> None:
    assert DAY.json_schema() == {"type": "string", "format": "date"}
    assert MOMENT.json_schema() == {"type": "string", "format": "date-time"}
