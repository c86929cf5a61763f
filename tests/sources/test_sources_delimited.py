from __future__ import annotations

import pytest

from trainer.sources.delimited import find_delimiter, read_delimited


def records(text: str, name: str = "a.csv") -> list[dict]:
    return read_delimited(text, name)["records"]


def test_a_column_has_one_type():
    rows = records("whole,part,flag,text\n1,1,true,1\n-2,2.5,FALSE,x\n,1e3,,\n")

    assert rows == [
        {"whole": 1, "part": 1.0, "flag": True, "text": "1"},
        {"whole": -2, "part": 2.5, "flag": False, "text": "x"},
        {"whole": None, "part": 1000.0, "flag": None, "text": None},
    ]


@pytest.mark.parametrize(
    "value",
    ["007", "+49301234", "12345678901234567890", "1,234", "2025-02-14", "NaN", "inf", "0x1F", "1_000", "--1", "1e400"],
)
def test_what_a_number_would_not_give_back_stays_text(value):
    assert records(f'code\n"{value}"\n') == [{"code": value}]


def test_a_single_code_with_a_zero_in_front_keeps_its_whole_column_text():
    assert records("zip\n94105\n01803\n") == [{"zip": "94105"}, {"zip": "01803"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    text = "\n".join(delimiter.join(row) for row in (["name", "share"], ["a b", "1"], ["c. d", "2"]))

    assert find_delimiter(text) == delimiter


def test_commas_in_numbers_do_not_hide_the_semicolon():
    assert records("name;share\nA;1,5\nB;2,5\n") == [{"name": "A", "share": "1,5"}, {"name": "B", "share": "2,5"}]


def test_a_quoted_cell_keeps_delimiters_line_breaks_and_quotation_marks():
    assert records('a,b\n"x, y","one\ntwo ""three"""\n') == [{"a": "x, y", "b": 'one\ntwo "three"'}]


def test_a_column_without_a_name_is_counted():
    assert records("a,,c\n1,2,3\n") == [{"a": 1, "column_2": 2, "c": 3}]


def test_blank_rows_and_trailing_delimiters_are_passed_by():
    assert records("a,b,\n\n1,2,\n , ,\n3,4\n") == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_a_tsv_is_split_at_tabs_only():
    assert records("a\tb\n1,5\tx;y;z\n", "a.tsv") == [{"a": "1,5", "b": "x;y;z"}]


def test_a_header_alone_has_no_records():
    assert records("a,b\n") == []
