from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source

REPOSITORY = Path(__file__).resolve().parents[2]
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def write(root: Path, name: str, content: str | bytes) -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return name


def attributes(root: Path, name: str) -> dict:
    content = (root / name).read_bytes()
    return {"path": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_an_envelope_is_unwrapped_and_says_when_and_where_its_data_was_got(project):
    root, source = project
    write(
        root,
        "d.json",
        '{"source": "registry", "retrieved_at": "2025-02-14T21:00:02Z", "url": "https://x.example/y",'
        ' "subject": "AbbVie Inc.", "as_of": "2025-02-14", "fields": {"a": {"title": "A", "unit": "USD"}},'
        ' "data": {"a": 1.50}}',
    )

    result = source.retrieve({"path": "d.json"})

    assert result.data == {"a": 1.5}
    assert result.source == "registry"
    assert result.retrieved_at == datetime(2025, 2, 14, 21, 0, 2, tzinfo=UTC)
    assert result.metadata == {
        "subject": "AbbVie Inc.",
        "as_of": "2025-02-14",
        "url": "https://x.example/y",
        "fields": {"a": {"title": "A", "unit": "USD"}},
        "retrieved_at": "2025-02-14T21:00:02Z",
        "path": "d.json",
        "file": attributes(root, "d.json"),
        "query": {"path": "d.json"},
    }
    assert result.storage_key is None


def test_a_file_without_envelope_was_got_now(project):
    root, source = project
    write(root, "d.json", '{"title": "Prices", "data": [1]}')

    result = source.retrieve({"path": "d.json"})

    assert (result.source, result.retrieved_at) == ("file", NOW)
    assert result.data == {"title": "Prices", "data": [1]}
    assert result.metadata["subject"] == "Prices"
    assert "retrieved_at" not in result.metadata


@pytest.mark.parametrize(
    ("name", "content", "data"),
    [
        ("a.json", "[1, 2.0, null]", {"records": [1, 2.0, None]}),
        ("a.json", '"word"', {"value": "word"}),
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}\n', {"records": [{"a": 1}, {"a": 2}]}),
        ("a.ndjson", "1\r\n2\r\n", {"records": [1, 2]}),
        ("a.yaml", "a: 2025-02-14\nb: no\n", {"a": "2025-02-14", "b": "no"}),
        ("a.yml", "- x\n- y\n", {"records": ["x", "y"]}),
        ("a.CSV", "a,b\n1,x\n", {"records": [{"a": 1, "b": "x"}]}),
        ("a.json", b"\xef\xbb\xbf[1]", {"records": [1]}),
        ("a.csv", "a;b\n1;é\n".encode("utf-16"), {"records": [{"a": 1, "b": "é"}]}),
    ],
)
def test_every_format_becomes_a_mapping(project, name, content, data):
    root, source = project

    assert source.retrieve({"path": write(root, name, content)}).data == data


def test_markdown_gives_front_matter_text_and_tables(project):
    root, source = project
    text = (
        "---\ntitle: Notes\n---\n# Trials\n\n| Drug | Phase | Code |\n|:--|--:|---|\n"
        "| A | 2 | 007 |\n| B \\| C | 3 | |\n\n"
        "```\n| not | a table |\n|---|---|\n```\n"
    )

    data = source.retrieve({"path": write(root, "n.md", text)}).data

    assert data["title"] == "Notes"
    assert data["text"].startswith("# Trials\n")
    assert data["tables"] == [
        {
            "title": "Trials",
            "records": [{"Drug": "A", "Phase": 2, "Code": "007"}, {"Drug": "B | C", "Phase": 3, "Code": None}],
        }
    ]


def test_a_path_of_the_configuration_is_filled_from_the_query(tmp_path, clock, kept):
    write(tmp_path, "data/ABBV-quote.json", '{"price": 1}')
    source = create_source(
        "file", SourceContext(clock=clock, root=tmp_path), data_store=kept, path="data/{ticker}-{kind}.json", ttl=60
    )

    result = source.retrieve({"ticker": "ABBV", "kind": "quote", "modules": ["price"]})

    assert result.data == {"price": 1}
    assert result.storage_key == source.key({"kind": "quote", "ticker": "ABBV"}) == "file:ABBV:quote"
    assert kept.calls == [
        {
            "key": "file:ABBV:quote",
            "data": {"price": 1},
            "metadata": {
                "path": "data/ABBV-quote.json",
                "file": attributes(tmp_path, "data/ABBV-quote.json"),
                "query": {"ticker": "ABBV", "kind": "quote", "modules": ["price"]},
            },
            "source": "file",
            "ttl": 60,
            "skip_unchanged": True,
        }
    ]


def test_store_false_stores_nothing(tmp_path, clock, kept):
    write(tmp_path, "a.json", "{}")
    source = create_source("file", SourceContext(clock=clock, root=tmp_path), data_store=kept)

    assert source.retrieve({"path": "a.json"}, store=False).storage_key is None
    assert kept.calls == []


def test_a_query_may_still_name_a_file_where_a_path_is_configured(tmp_path, clock):
    write(tmp_path, "other.json", '{"a": 1}')
    source = create_source("file", SourceContext(clock=clock, root=tmp_path), path="data/{ticker}.json")

    assert source.retrieve({"path": "other.json"}).data == {"a": 1}
    assert source.key({"path": "other.json"}) == "file:other.json"


def test_a_misspelt_field_of_the_configured_path_is_told(tmp_path, clock):
    source = create_source("file", SourceContext(clock=clock, root=tmp_path), path="data/{ticker}.json")

    with pytest.raises(UsageError, match='"ticker" of source file is missing'):
        source.retrieve({"tikcer": "ABBV"})


@pytest.mark.parametrize("value", ["../../etc/passwd", "a/b", ".hidden", "a\\b", "a\nb"])
def test_a_value_cannot_climb_out_of_the_configured_path(tmp_path, clock, value):
    source = create_source("file", SourceContext(clock=clock, root=tmp_path), path="data/{ticker}.json")

    with pytest.raises(SourceError, match='"ticker" cannot be part of a file name'):
        source.retrieve({"ticker": value})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../secret.json", "outside the project"),
        ("data/../../secret.json", "outside the project"),
        ("/etc/hostname", "outside the project"),
        ("~/secret.json", "outside the project"),
        ("C:\\secret.json", "outside the project"),
        ("data\\..\\secret.json", "outside the project"),
        ("link.json", "a link that leads out of the project"),
        ("folder/secret.json", "a link that leads out of the project"),
        ("loop.json", "cannot be followed"),
        (".env.json", "a hidden file is never read as data"),
        (".git/config.json", "a hidden file is never read as data"),
    ],
)
def test_nothing_outside_the_project_is_read(project, path, message):
    root, source = project
    write(root.parent, "secret.json", '{"secret": 1}')
    write(root, ".env.json", '{"secret": 1}')
    (root / "link.json").symlink_to("../secret.json")
    (root / "folder").symlink_to("..")
    (root / "loop.json").symlink_to("loop.json")

    with pytest.raises(SourceError, match=message) as caught:
        source.retrieve({"path": path})

    assert caught.value.where.path == path


def test_a_link_inside_the_project_is_followed(project):
    root, source = project
    write(root, "a.json", "[1]")
    (root / "b.json").symlink_to("a.json")

    assert source.retrieve({"path": "b.json"}).data == {"records": [1]}


def test_a_missing_file_names_the_nearest(project):
    root, source = project
    write(root, "data/ABBV-quote.json", "{}")

    with pytest.raises(SourceError) as caught:
        source.retrieve({"path": "data/abbv-quote.json"})

    assert str(caught.value) == 'data/abbv-quote.json: no such file\n  did you mean "data/ABBV-quote.json"?'


def test_another_companys_file_is_not_taken_for_a_misspelling(project):
    root, source = project
    write(root, "data/BFLY-quote.json", "{}")

    with pytest.raises(SourceError) as caught:
        source.retrieve({"path": "data/NOPE-quote.json"})

    assert str(caught.value) == "data/NOPE-quote.json: no such file"


def test_a_missing_folder_is_named(project):
    _, source = project

    with pytest.raises(SourceError, match="there is no folder data/old"):
        source.retrieve({"path": "data/old/a.json"})


def test_a_file_over_the_limit_is_refused_unread(tmp_path, clock):
    write(tmp_path, "big.json", "[" + "1," * 1000 + "1]")
    source = create_source("file", SourceContext(clock=clock, root=tmp_path), max_bytes=100)

    with pytest.raises(SourceError, match="too large: 2,003 bytes"):
        source.retrieve({"path": "big.json"})


def test_a_folder_without_files_says_so(project):
    root, source = project
    (root / "a.json").mkdir()

    with pytest.raises(SourceError, match=r"^a\.json: no file that can be read"):
        source.retrieve({"path": "a.json"})


def test_health_says_whether_the_root_can_be_read(project, clock):
    root, source = project

    assert source.health().ok
    assert not create_source("file", SourceContext(clock=clock, root=root / "missing")).health().ok


@pytest.mark.parametrize("ticker", ["ABBV", "BFLY"])
def test_the_examples_data_is_whole(clock, ticker):
    source = create_source("file", SourceContext(clock=clock, root=REPOSITORY))

    summary = source.retrieve({"ticker": ticker, "kind": "summary"})
    quote = source.retrieve({"ticker": ticker, "kind": "quote"})
    fundamentals = source.retrieve({"ticker": ticker, "kind": "fundamentals"})

    assert [result.source for result in (summary, quote, fundamentals)] == ["yahoo_finance"] * 3
    assert quote.metadata["as_of"] == "2025-02-14"
    assert len(summary.data["quarterly"]) == len(summary.data["annual"]) == 4
    assert [row["date"] for row in fundamentals.data["quarterly"]] == ["2023-06-30", "2023-09-30", "2023-12-31"]


def test_a_path_without_placeholders_leaves_only_the_path_of_the_query(tmp_path, clock):
    source = create_source("file", SourceContext(clock=clock, root=tmp_path), path="")

    with pytest.raises(UsageError, match='the query field "path" of source file is missing'):
        source.retrieve({"ticker": "ABBV"})


def test_a_folder_of_workbooks_is_one_table(project):
    root, source = project
    for name, rows in (("north", [("Year", "Sales"), (2024, 5)]), ("south", [("Year", "Sales"), (2024, 7), (2025, 8)])):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        (root / "books").mkdir(exist_ok=True)
        book.save(root / "books" / f"{name}.xlsx")
    write(root, "books/.hidden.csv", "Year,Sales\n1,1\n")
    write(root, "books/notes.xyz", "not read")

    result = source.retrieve({"path": "books"})

    assert result.data == {
        "records": [
            {"file": "books/north.xlsx", "Year": 2024, "Sales": 5},
            {"file": "books/south.xlsx", "Year": 2024, "Sales": 7},
            {"file": "books/south.xlsx", "Year": 2025, "Sales": 8},
        ]
    }
    assert [one["path"] for one in result.metadata["files"]] == ["books/north.xlsx", "books/south.xlsx"]
    assert source.key({"path": "books"}) == "file:books"


def test_a_pattern_names_several_files_and_other_data_stays_by_file(project):
    root, source = project
    write(root, "a/one.json", '{"x": 1}')
    write(root, "a/two.csv", "y\n2\n")
    write(root, "b/three.json", "{}")

    assert source.retrieve({"path": "a/*"}).data == {
        "files": {"a/one.json": {"x": 1}, "a/two.csv": {"records": [{"y": 2}]}}
    }
    with pytest.raises(SourceError, match="no file that can be read"):
        source.retrieve({"path": "a/*.xlsx"})
    with pytest.raises(SourceError, match="outside the project"):
        source.retrieve({"path": "../*"})


def test_every_file_of_a_folder_that_cannot_be_read_is_told(project):
    root, source = project
    write(root, "a/one.json", "{")
    write(root, "a/two.csv", "x\n1\n")
    write(root, "a/three.pdf", "%PDF-1.7")

    with pytest.raises(SourceError) as caught:
        source.retrieve({"path": "a"})

    assert caught.value.message.startswith("2 of 3 files cannot be read")
    assert [problem.where.path for problem in caught.value.problems] == ["a/one.json", "a/three.pdf"]


def test_an_encoding_can_be_named(project):
    root, source = project
    write(root, "a.csv", "name\nMüller\n".encode("cp1252"))

    assert source.retrieve({"path": "a.csv", "encoding": "cp1252"}).data == {"records": [{"name": "Müller"}]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "code,n,when,part,flag\n007,1,2025-01-31,1.5,true\n\n008,,x,2,FALSE\n"),
        ("a.csv", 'a;b\n"1.234,5";"x\ny"\n2,5;z\n'),
        ("a.tsv", "a\tb\n1\tNA\n2\t3\n"),
        ("a.jsonl", '{"a": 1}\n\n{"a": [2]}\n'),
    ],
)
def test_rows_are_the_records_of_the_whole_file(project, name, content):
    root, source = project
    write(root, name, content)

    assert list(source.rows({"path": name})) == source.retrieve({"path": name}).data["records"]


def test_rows_of_a_damaged_file_name_its_line(project):
    root, source = project
    write(root, "a.csv", "a,b\n1,2\n3\n")

    with pytest.raises(SourceError, match=r"^a\.csv:3: 1 cells where the first row has 2"):
        list(source.rows({"path": "a.csv"}))


def test_a_large_table_is_summarised_and_told(tmp_path, clock):
    lines = [f"2024-0{month}-{day:02},north,{day}" for month in (1, 2) for day in range(1, 21)]
    write(tmp_path, "big.csv", "\n".join(["date,city,sales", *lines]))
    source = create_source("file", SourceContext(clock=clock, root=tmp_path), summarise_from=100)

    result = source.retrieve({"path": "big.csv"})

    assert result.data["rows"] == 40
    assert result.metadata["warnings"] == ["40 rows, summarised as totals and means by group and month"]
    assert len(list(source.rows({"path": "big.csv"}))) == 40
