"""Rows of delimited text, as every reader of the house takes them."""

from __future__ import annotations

import io

import pytest

from trainer.core.csvrows import csv_rows


def cells(text: str, delimiter: str = ",") -> list[list[str] | None]:
    return [row for _, row, _ in csv_rows(io.StringIO(text, newline=""), delimiter=delimiter)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"a, ""b""",c', ['a, "b"', "c"]),
        ('"blue" scarf,12', ['"blue" scarf', "12"]),
        ('"the "new" one",12', ['the "new" one', "12"]),
        ('6" pipe and 8" pipe,12', ['6" pipe and 8" pipe', "12"]),
        ('"a" b,"c, d",""', ['"a" b', "c, d", ""]),
        ('"a, b" c,1', ['"a', ' b" c', "1"]),
        ('"a" "b" c",1', None),
        ('x,"y', None),
    ],
)
def test_marks_that_do_not_enclose_a_cell_are_words_of_it(line, expected):
    assert cells(f"{line}\nlast,row\n") == [expected, ["last", "row"]]


def test_a_stray_mark_costs_no_other_row_and_lines_are_counted():
    text = 'a\tb\r\n"one\r\ntwo"\t3\r\n4\t"open\r\n5\t6\r\n'

    rows = list(csv_rows(io.StringIO(text, newline=""), delimiter="\t"))

    assert rows == [
        (1, ["a", "b"], "a\tb"),
        (2, ["one\r\ntwo", "3"], '"one\r\ntwo"\t3'),
        (4, None, '4\t"open'),
        (5, ["5", "6"], "5\t6"),
    ]
