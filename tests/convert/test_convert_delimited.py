from __future__ import annotations

import pytest

from trainer.convert.readers.delimited import find_delimiter, stream_csv
from trainer.core.cells import mixed_columns
from trainer.core.errors import ConversionError
from trainer.core.readings import ReadOptions, read_file


def records(text: str, name: str = "a.csv") -> list[dict]:
    return read_file(text.encode(), shown=name).value


def test_a_column_has_one_type():
    rows = records("whole,part,flag,text\n1,1,true,1\n-2,2.5,FALSE,x\n,1e3,,\n")

    assert rows == [
        {"whole": 1, "part": 1.0, "flag": True, "text": "1"},
        {"whole": -2, "part": 2.5, "flag": False, "text": "x"},
        {"whole": None, "part": 1000.0, "flag": None, "text": None},
    ]


@pytest.mark.parametrize(
    "value",
    ["007", "+49301234", "12345678901234567890", "01,234", "2025-02-14", "NaN", "inf", "0x1F", "1_000", "--1", "1e400"],
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
    assert records("name;share\nA;1,5\nB;2,5\n") == [{"name": "A", "share": 1.5}, {"name": "B", "share": 2.5}]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('n\n"1,234"\n"2,345"\n', [1234, 2345]),
        ('n\n"1,234,567.5"\n5\n', [1234567.5, 5.0]),
        ("m;n\n0,5;1.234\n1,5;2.345\n", [1234, 2345]),
        ("m;n\nx;1.234,50\nx;-2,25\n", [1234.5, -2.25]),
        ("m;n\n0,5;1'234\n0,5;1 234\n", [1234, 1234]),
        ("m;n\nx;1,234\nx;2,345\n", ["1,234", "2,345"]),
        ("n\n−5\n6\n", [-5, 6]),
    ],
)
def test_separators_are_read_where_the_file_leaves_no_doubt(text, values):
    assert [row["n"] for row in records(text)] == values


@pytest.mark.parametrize("absent", ["NA", "N/A", "n/a", "#N/A", "NaN", "null", "None", "-", "–", "..", "?"])
def test_a_column_of_numbers_has_null_where_none_is_there(absent):
    assert records(f"day,cases\n1,4\n2,{absent}\n3,5\n")[1]["cases"] is None
    assert [row["cases"] for row in records(f"day,cases\n1,4\n2,{absent}\n")] == [4, None]


def test_such_words_stay_in_a_column_of_text():
    assert records("country\nNA\nDE\n") == [{"country": "NA"}, {"country": "DE"}]


def test_versions_are_no_numbers_and_prices_are():
    assert [row["v"] for row in records("v\n1.9\n1.10\n")] == ["1.9", "1.10"]
    assert [row["v"] for row in records("v\n1.90\n1.10\n2.00\n")] == [1.9, 1.1, 2.0]


def test_whole_numbers_that_a_program_prints_with_a_nought_are_numbers():
    assert [row["lat"] for row in records("lat\n40.0\n40.01\n-3.125\n")] == [40.0, 40.01, -3.125]
    assert [row["lat"] for row in records("lat;n\n40,0;1\n40,25;2\n")] == [40.0, 40.25]
    assert [row["v"] for row in records("v\n1.0\n1.10\n1.2\n")] == ["1.0", "1.10", "1.2"]


def test_a_column_that_stays_text_for_a_single_cell_is_told():
    rows = records("zip,cases\n01803,4\n94105,about five\n94106,7\n")

    assert list(mixed_columns(rows)) == ['the column "cases" stays text: "about five" in row 2 is no number']
    assert list(mixed_columns(records("name,part\na,b\n1,b\n"))) == []


def test_rows_can_be_read_as_they_are_spelt():
    text = "code,version,flag\n000001,1.10,TRUE\n007,2.0,\n"

    assert read_file(text.encode(), shown="a.csv", options=ReadOptions(spelt=True)).value == [
        {"code": "000001", "version": "1.10", "flag": "TRUE"},
        {"code": "007", "version": "2.0", "flag": ""},
    ]


def test_a_quoted_cell_keeps_delimiters_line_breaks_and_quotation_marks():
    assert records('a,b\n"x, y","one\ntwo ""three"""\n') == [{"a": "x, y", "b": 'one\ntwo "three"'}]


def test_a_column_without_a_name_is_counted():
    assert records("a,,c\n1,2,3\n") == [{"a": 1, "column_2": 2, "c": 3}]


def test_blank_rows_and_trailing_delimiters_are_passed_by():
    assert records("a,b,\n\n1,2,\n , ,\n3,4\n") == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_a_tsv_is_split_at_tabs_only():
    assert records("a\tb\n1,5\tx;y;z\n", "a.tsv") == [{"a": 1.5, "b": "x;y;z"}]


def test_a_header_alone_has_no_records():
    assert records("a,b\n") == []


def test_a_title_above_the_header_is_no_row(tmp_path):
    text = "Rainfall at two stations (mm)\n\nstation,year,rain\nArden,2023,812.4\nBrook,2023,640.1\n"
    path = tmp_path / "rain.csv"
    path.write_text(text)
    rows = [{"station": "Arden", "year": 2023, "rain": 812.4}, {"station": "Brook", "year": 2023, "rain": 640.1}]

    dataset = read_file(text.encode(), shown="rain.csv")

    assert (dataset.value, list(stream_csv(path, "rain.csv"))) == (rows, rows)
    assert [(finding.kind, finding.where.line) for finding in dataset.findings] == [("title_line", 1)]


def test_a_short_first_row_above_uneven_rows_is_still_an_error():
    with pytest.raises(ConversionError, match=r"a\.csv:2: 3 cells where the first row has 1"):
        records("a\n1,2,3\n1,2\n")
