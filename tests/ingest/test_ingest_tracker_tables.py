"""Tables like those of public bug reports of other readers; each is read alike by documents and by incoming files."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainer.core.readings import data_of, read_file
from trainer.ingest import extract_file

TABLES = {
    "NVIDIA/cudf #2398": (
        "hosts.csv",
        'id,path,size\n1,/a/b,200\n2,/img",500\n3,/c/d,210\n',
        [{"id": 1, "path": "/a/b"}, {"id": 2, "path": '/img"'}, {"id": 3, "path": "/c/d"}],
    ),
    "duckdb/duckdb #19578": (
        "places.csv",
        'Land;Place;Count\nChina;"35.86166;104.19397";97100,7\nPeru;"-9.1;-75.0";12,5\n',
        [{"Place": "35.86166;104.19397", "Count": 97100.7}, {"Place": "-9.1;-75.0", "Count": 12.5}],
    ),
    "wireservice/csvkit #977": (
        "parcels.csv",
        "parcel,zip,units\n0010,00501,3\n0200,02134,4\n0033,90210,5\n",
        [
            {"parcel": "0010", "zip": "00501", "units": 3},
            {"parcel": "0200", "zip": "02134", "units": 4},
            {"parcel": "0033", "zip": "90210", "units": 5},
        ],
    ),
    "pandas-dev/pandas #15910": (
        "words.tsv",
        'item\tprice\n"blue" scarf\t12\nplain\t14\n',
        [{"item": '"blue" scarf', "price": 12}, {"item": "plain", "price": 14}],
    ),
    "jsvine/intro-to-visidata #38": (
        "export.txt",
        "name\tvalue\nArden\t12\nBrook\t14\n",
        [{"name": "Arden", "value": 12}, {"name": "Brook", "value": 14}],
    ),
}


@pytest.mark.parametrize(("name", "text", "expected"), TABLES.values(), ids=TABLES)
def test_a_table_of_a_public_report_is_one_table_for_every_reader(
    tmp_path: Path, name: str, text: str, expected: list[dict[str, object]]
) -> None:
    path = tmp_path / name
    path.write_text(text)

    (table,) = extract_file(path, shown=name, tables=tmp_path).tables
    records = data_of(read_file(text.encode(), shown=name))["records"]

    picked = [{key: record[key] for key in wanted} for record, wanted in zip(records, expected, strict=True)]
    filed = [{key: record[key] for key in wanted} for record, wanted in zip(table.records, expected, strict=True)]
    assert picked == expected
    assert filed == expected


def test_days_with_names_of_months_are_days_whatever_the_other_columns_are(tmp_path: Path) -> None:
    """duckdb/duckdb #13923."""
    for key in ("1-1-1A", "1-1-A"):
        path = tmp_path / "filed.csv"
        path.write_text(f"ACCESSION,FILED\n{key},31-OCT-2023\n{key}B,30-NOV-2023\n")

        (table,) = extract_file(path, shown="filed.csv", tables=tmp_path).tables

        assert [record["FILED"] for record in table.records] == ["2023-10-31", "2023-11-30"]


def test_a_row_whose_quotation_never_closes_costs_no_other_row(tmp_path: Path) -> None:
    """pandas-dev/pandas #22661."""
    path = tmp_path / "words.tsv"
    path.write_text('id\tword\n3\tabc\n4\t"quoted"\n5\t"opened\n6\tlast\n')

    (table,) = extract_file(path, shown="words.tsv", tables=tmp_path).tables

    assert [record["id"] for record in table.records] == [3, 4, 6]
    assert [(row.line, row.reason) for row in table.quarantined] == [(4, "syntax")]
