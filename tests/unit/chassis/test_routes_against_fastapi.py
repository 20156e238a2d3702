"""The same endpoints on FastAPI's own routes and on direct ones, asked the same.

Whatever differs is one of the few things that are meant to, and is named here.
"""

import json
import re
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.unit.chassis.stones import (
    DIRECT,
    MAX_BODY_BYTES,
    PLAIN,
    STONE_ID,
    Answered,
    Headers,
    ask,
)

JSON = (("Content-Type", "application/json"),)
CHANGE = (*JSON, ("If-Match", '"7"'), ("Idempotency-Key", "k"))
STONE = {"name": "granite", "weight": 2.5}
COLLECTION = "/v1/stones"
ONE = f"/v1/stones/{STONE_ID}"


def both(method: str, path: str, headers: Headers = JSON, body: bytes = b"") -> Answered:
    """The answer that both give."""
    plain = ask(PLAIN, method, path, headers=headers, body=body)
    assert ask(DIRECT, method, path, headers=headers, body=body) == plain
    return plain


def slug(answer: Answered) -> str:
    return str(answer.body["type"]).removeprefix("urn:cairn:problem:")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", COLLECTION, JSON, STONE, 201),
        ("POST", f"{COLLECTION}/many", JSON, [STONE, STONE], 200),
        ("GET", f"{COLLECTION}?shape=flat", (), None, 200),
        ("GET", ONE, (), None, 200),
        ("DELETE", ONE, (), None, 204),
        ("POST", f"{ONE}/change", CHANGE, STONE, 200),
        ("POST", f"{ONE}/layers/3", JSON, {"text": "x"}, 200),
        ("POST", f"{ONE}/layers/3", (), None, 200),
        ("POST", f"{ONE}/layers/3", (("Content-Type", "text/plain"),), None, 200),
        # Requests that do not have the right form.
        ("POST", COLLECTION, JSON, None, 422),
        ("POST", COLLECTION, (), STONE, 422),
        ("POST", f"{COLLECTION}/many", JSON, STONE, 422),
        ("GET", f"{COLLECTION}/granite", (), None, 422),
        ("GET", COLLECTION, (), None, 422),
        ("GET", f"{COLLECTION}?shape=round-ish", (), None, 422),
        ("POST", f"{COLLECTION}/7/layers/10", JSON, {"text": 7}, 422),
        ("POST", f"{ONE}/layers/3", JSON, [], 422),
        # Requests without what they must have.
        ("POST", f"{ONE}/change", JSON, STONE, 428),
        ("POST", f"{ONE}/change", (*JSON, ("If-Match", "7")), STONE, 400),
        ("POST", f"{ONE}/change", (*JSON, ("If-Match", 'W/"7"')), STONE, 412),
        ("POST", f"{ONE}/guarded", JSON, STONE, 401),
        # Nothing there, or nothing of that kind.
        ("HEAD", ONE, (), None, 405),
        ("HEAD", COLLECTION, (), None, 405),
        ("PUT", COLLECTION, JSON, STONE, 405),
        ("BREW", f"{ONE}/change", (), None, 405),
        ("OPTIONS", f"{ONE}/layers/3", (), None, 405),
        ("GET", f"{ONE}/layers", (), None, 404),
        ("POST", f"{COLLECTION}/", JSON, STONE, 404),
        # What a handler raises.
        ("POST", f"{COLLECTION}/fail/mapped", (), None, 409),
        ("POST", f"{COLLECTION}/fail/http", (), None, 418),
        ("POST", f"{COLLECTION}/fail/invalid", (), None, 422),
        ("POST", f"{COLLECTION}/fail/unexpected", (), None, 500),
    ],
)
def test_one_request_has_one_answer(
    method: str, path: str, headers: Headers, body: Any, status: int
) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    assert both(method, path, headers, content).status == status


def test_a_wrong_method_is_told_all_the_right_ones() -> None:
    assert both("PUT", ONE).allow == "DELETE, GET"
    assert both("PUT", COLLECTION).allow == "GET, POST"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;charset=utf-8",
        "Application/JSON ; charset=latin-1",
        "application/problem+json",
        "application/vnd.stone+JSON",
        " application/json",
        "application/json;",
    ],
)
def test_what_says_it_is_json_is_read_as_json(content_type: str) -> None:
    answer = both("POST", COLLECTION, [("Content-Type", content_type)], json.dumps(STONE).encode())
    assert answer.status == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application",
        "json",
        "application/json/json",
        "application/x/y+json",
        "application /json",
        "application/json, application/json",
        "application/x-www-form-urlencoded",
        ";application/json",
    ],
)
def test_what_does_not_say_it_is_json_is_not(content_type: str) -> None:
    answer = both("POST", COLLECTION, [("Content-Type", content_type)], json.dumps(STONE).encode())
    assert [fault["code"] for fault in answer.body["errors"]] == ["model_attributes_type"]


@given(st.text(alphabet="aplicton/js+;= \t\"',xA", max_size=30))
@example("application/json")
def test_any_content_type_means_the_same(content_type: str) -> None:
    both("POST", COLLECTION, [("Content-Type", content_type)], json.dumps(STONE).encode())


def test_of_two_content_types_the_first_counts() -> None:
    headers = [("Content-Type", "text/plain"), *JSON]
    assert both("POST", COLLECTION, headers, json.dumps(STONE).encode()).status == 422


# A number that is neither a double nor an integer of 64 bits is another matter; see below.
INTEGERS = st.integers(-(2**63), 2**64 - 1)
LEAVES = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=25)
VALUES = st.recursive(
    LEAVES | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
STONES = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS | VALUES,
        "weight": st.floats(-1e9, 1e9) | VALUES,
        "count": st.integers(-5, 2_000_000) | VALUES,
        "shape": st.sampled_from(["round", "flat", "square"]) | VALUES,
        "layers": st.lists(
            st.fixed_dictionaries({"depth": LEAVES}, optional={"veins": VALUES}), max_size=4
        )
        | VALUES,
        "about": VALUES,
        "unknown": VALUES,
    },
)


@given(STONES, st.booleans())
@example({**STONE, "count": -0.0, "layers": [{"depth": 1, "veins": [{"depth": 2}]}]}, False)
@example({"name": "", "weight": "heavy", "count": 1.5, "layers": [{}] * 4, "more": 1}, True)
def test_any_stone_is_taken_or_refused_in_the_same_words(stone: Any, ascii_only: bool) -> None:
    body = json.dumps(stone, ensure_ascii=ascii_only).encode()
    assert both("POST", COLLECTION, JSON, body).status in {201, 422}


@given(VALUES)
def test_any_json_is_the_same_to_a_handler(value: Any) -> None:
    assert both("POST", f"{COLLECTION}/raw", JSON, json.dumps(value).encode()).status == 200


# What the two readers of JSON take differently; see below.
DISPUTED = re.compile(r"NaN|Infinity|\d[eE]|\d{16}|\\u[dD][89a-fA-F]")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff")))
@example('{"name": "granite", "weight": 2.5')
@example('{"name": "granite", "weight": 2.5},')
@example("{'name': 'granite'}")
@example('{"weight": 01}')
@example("\x0b1")
@example(" ")
def test_any_text_is_json_to_both_or_to_none(text: str) -> None:
    assume(not DISPUTED.search(text))
    assert both("POST", COLLECTION, JSON, text.encode()).status == 422


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/?"), min_size=1),
    st.text("0123456789.-+ eE"),
)
@example(STONE_ID.upper(), "3")
@example(f"{{{STONE_ID}}}", "3.0")
@example(f"urn:uuid:{STONE_ID}", "+3")
def test_any_path_is_the_same_to_both(stone_id: str, layer: str) -> None:
    both("POST", f"{COLLECTION}/{stone_id}/layers/{layer}", JSON, b"{}")


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]),
    st.sampled_from(["", "/many", f"/{STONE_ID}", f"/{STONE_ID}/change", "/a/b", "/a/b/c/d"]),
)
def test_any_method_is_the_same_to_both(method: str, path: str) -> None:
    both(method, f"{COLLECTION}{path}", CHANGE, json.dumps(STONE).encode())


def test_both_are_documented_alike() -> None:
    assert DIRECT.openapi() == PLAIN.openapi()


# What follows is different, and meant to be.


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_only_what_is_json_is_a_number(number: str) -> None:
    body = f'{{"name": "x", "weight": 1, "about": {{"n": {number}}}}}'.encode()
    assert ask(PLAIN, "POST", COLLECTION, headers=JSON, body=body).status == 201
    _assert_no_json(ask(DIRECT, "POST", COLLECTION, headers=JSON, body=body))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'"\\ud800"', id="half of a surrogate pair"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param("{}".encode("utf-32-le"), id="UTF-32"),
        pytest.param(b"1" * 310, id="larger than any double"),
    ],
)
def test_only_what_rfc_8259_calls_json_is_json(body: bytes) -> None:
    assert ask(PLAIN, "POST", f"{COLLECTION}/raw", headers=JSON, body=body).status == 200
    _assert_no_json(ask(DIRECT, "POST", f"{COLLECTION}/raw", headers=JSON, body=body))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'"\xff"', id="not UTF-8"),
        pytest.param(b"[" * 1_100 + b"]" * 1_100, id="nested too deep"),
        pytest.param(b"1" * 5_000, id="more digits than Python reads"),
    ],
)
def test_what_cannot_be_read_is_invalid_and_not_merely_bad(body: bytes) -> None:
    assert slug(ask(PLAIN, "POST", COLLECTION, headers=JSON, body=body)) == "bad-request"
    _assert_no_json(ask(DIRECT, "POST", COLLECTION, headers=JSON, body=body))


def _assert_no_json(answer: Answered) -> None:
    assert (answer.status, slug(answer)) == (422, "invalid-request")
    assert answer.body["errors"] == [
        {"pointer": "/body", "detail": "The body is not valid JSON", "code": "json_invalid"}
    ]


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809"])
def test_an_integer_of_more_than_64_bits_is_none(number: str) -> None:
    body = f'{{"name": "x", "weight": {number}, "count": {number}}}'.encode()
    plain = ask(PLAIN, "POST", COLLECTION, headers=JSON, body=body)
    direct = ask(DIRECT, "POST", COLLECTION, headers=JSON, body=body)
    assert (plain.status, direct.status) == (422, 422)
    assert [(each["pointer"], each["code"]) for each in direct.body["errors"]] == [
        ("/body/count", "int_parsing_size")
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]"])
@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        (f"{ONE}/change", JSON, "precondition-required"),
        (f"{ONE}/guarded", JSON, "unauthenticated"),
    ],
)
def test_who_may_not_ask_is_told_so_before_what_was_wrong(
    path: str, headers: Headers, expected: str, body: bytes
) -> None:
    assert slug(ask(DIRECT, "POST", path, headers=headers, body=body)) == expected


def test_a_line_break_at_the_end_of_a_path_is_passed_over_alike() -> None:
    assert both("GET", f"{COLLECTION}\n?shape=flat").status == 200


@pytest.mark.parametrize("path", [COLLECTION, f"{ONE}/change", f"{ONE}/layers/3"])
def test_a_body_that_turns_out_too_large_is_refused_alike(path: str) -> None:
    pieces = [b" " * 4_096] * (MAX_BODY_BYTES // 4_096 + 1)
    plain = ask(PLAIN, "POST", path, headers=CHANGE, body=pieces)
    direct = ask(DIRECT, "POST", path, headers=CHANGE, body=pieces)
    assert plain == direct
    assert (plain.status, slug(plain)) == (413, "body-too-large")


def test_a_body_in_pieces_is_one_body_to_its_hash_and_to_its_handler() -> None:
    body = json.dumps(STONE).encode()
    whole = both("POST", f"{ONE}/change", CHANGE, body)
    pieces = [bytes([each]) for each in body]
    assert ask(DIRECT, "POST", f"{ONE}/change", headers=CHANGE, body=pieces) == whole
    assert whole.body[2]["request_hash"]
