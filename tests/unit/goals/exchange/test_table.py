"""CSV text as others write it, and as nobody should."""

import pytest

from services.goals.exchange.table import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_ROWS,
    Table,
    decode,
    read_table,
    write_rows,
)


def codes(table: Table) -> list[tuple[str, int | None]]:
    return [(each.code, each.row) for each in table.findings]


def test_quotes_line_breaks_and_empty_lines_are_read_as_rfc_4180_says() -> None:
    table = read_table('a,b\r\n"1, ""x""","two\r\nlines"\r\n\r\n3,\r\n', ",")
    assert table.header == ["a", "b"]
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, ['1, "x"', "two\r\nlines"]),
        (4, ["3", ""]),
    ]
    assert table.findings == []


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert read_table(decode("\ufeffa;b\n1;2".encode()), ";").header == ["a", "b"]


def test_other_encodings_are_refused() -> None:
    for content in ("ä".encode("latin-1"), "a,b".encode("utf-16")):
        with pytest.raises(UnicodeDecodeError):
            decode(content)


@pytest.mark.parametrize("text", ["", "\n\n", ",,\n", "\ufeff"])
def test_an_empty_file_is_said_to_be_empty(text: str) -> None:
    table = read_table(text, ",")
    assert codes(table) == [("empty_file", 1)]
    assert not table.header


def test_every_row_has_as_many_cells_as_the_header() -> None:
    table = read_table("a,b\n1\n1,2\n1,2,3\n", ",")
    assert codes(table) == [("cell_count", 2), ("cell_count", 4)]
    assert [row.number for row in table.rows] == [3]


def test_a_column_has_its_name_alone() -> None:
    table = read_table("Title,title ,\n1,2,3\n", ",")
    assert codes(table) == [("repeated_column", 1)]
    assert not table.header


def test_a_quote_that_never_ends_is_told_of_with_its_row() -> None:
    table = read_table('a,b\n1,2\n"3,4\n', ",")
    assert codes(table) == [("malformed_csv", 3)]
    assert [row.number for row in table.rows] == [2]


def test_cells_that_cannot_be_kept_are_told_of() -> None:
    large = "x" * (MAX_CELL_CHARACTERS + 1)
    table = read_table(f"a,b\n{large},1\n1,\0\n", ",")
    assert codes(table) == [("cell_not_storable", 2), ("cell_not_storable", 3)]
    assert table.findings[1].field == "column 2"
    giant = read_table("a\n" + "x" * 200_000, ",")
    assert codes(giant) == [("malformed_csv", 2)]


def test_a_file_has_its_bounds() -> None:
    rows = read_table("a\n" + "1\n" * (MAX_ROWS + 5), ",")
    assert codes(rows) == [("too_many_rows", MAX_ROWS + 2)]
    columns = read_table(",".join(f"c{each}" for each in range(MAX_COLUMNS + 1)), ",")
    assert codes(columns) == [("too_many_columns", 1)]


def test_rows_are_written_with_the_quotes_they_need() -> None:
    assert write_rows([["a", 'b"c', "d\re"], ["", "1,2", ""]]) == ('a,"b""c","d\re"\r\n,"1,2",\r\n')
