"""Tables that are streamed: typed by rows from everywhere, every row accounted for, codes never numbers."""

import json

import pytest

from trainer.ingest.large import load_csv, load_jsonl, rows_in


@pytest.fixture
def csv(tmp_path):
    def write(rows, head="id,zip,price,day,flag,note"):
        path = tmp_path / "big.csv"
        path.write_text(head + "\n" + "".join(row + "\n" for row in rows))
        return path

    return write


def rows(count, **changes):
    for at in range(count):
        yield changes.get(
            f"at{at}", f'{at},{at:05},{at / 4},2024-01-{at % 28 + 1:02},{"true" if at % 2 else "false"},"a, {at}"'
        )


def test_types_are_decided_and_rows_streamed(csv, tmp_path):
    table = load_csv(csv(rows(3_000)), tmp_path / "t.parquet", shown="big.csv", encoding="utf-8")

    assert {column.name: column.type for column in table.columns} == {
        "id": "integer", "zip": "text", "price": "number", "day": "date", "flag": "boolean", "note": "text",
    }  # fmt: skip
    assert (table.rows, table.rows_in, table.quarantined_rows) == (3_000, 3_000, 0)
    assert next(rows_in(table.path)) == {
        "id": 0, "zip": "00000", "price": 0, "day": "2024-01-01", "flag": False, "note": "a, 0",
    }  # fmt: skip


def test_rows_that_do_not_fit_are_set_apart_and_counted(csv, tmp_path):
    bad = rows(3_000, at1500="1500,01500,dear,2024-01-01,true,x", at1600="1600,01600", at1700="1,2,3,4,5,6,7,8")
    table = load_csv(csv(bad), tmp_path / "t.parquet", shown="big.csv", encoding="utf-8")

    assert table.rows_in == table.rows + table.quarantined_rows == 3_000
    assert sorted(row.reason for row in table.quarantined) == ["type", "width", "width"]
    assert 'price: "dear" is no number' in [row.message for row in table.quarantined]
    assert len(list(rows_in(table.path))) == table.rows == 2_997


def test_zeros_in_front_that_come_late_make_the_column_text(csv, tmp_path):
    table = load_csv(
        csv((f"{at},0{at}" if at == 5_001 else f"{at},{at + 10_000}" for at in range(90_000)), head="row,part"),
        tmp_path / "t.parquet",
        shown="big.csv",
        encoding="utf-8",
    )

    assert {column.name: column.type for column in table.columns}["part"] == "text"
    assert "05001" in {row["part"] for row in rows_in(table.path)}


def test_other_encodings_are_read(tmp_path):
    path = tmp_path / "big.csv"
    path.write_bytes(("name,n\n" + "Zoë,1\n" * 500).encode("cp1252"))

    table = load_csv(path, tmp_path / "t.parquet", shown="big.csv", encoding="cp1252")

    assert (table.rows, next(rows_in(table.path))["name"]) == (500, "Zoë")
    assert not list(tmp_path.glob(".*"))


def test_json_lines_keep_bad_lines_apart(tmp_path):
    path = tmp_path / "big.jsonl"
    lines = [json.dumps({"id": at, "code": f"0{at}", "user": {"name": "x"}}) for at in range(2_000)]
    lines[900] = '{"id": 900, "code"'
    path.write_text("\n".join(lines) + "\n")

    table = load_jsonl(path, tmp_path / "t.parquet", shown="big.jsonl")

    assert (table.rows, table.rows_in, [row.line for row in table.quarantined]) == (1_999, 2_000, [901])
    assert {column.name: column.type for column in table.columns} == {"id": "integer", "code": "text", "user": "json"}
