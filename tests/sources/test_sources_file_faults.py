"""Whatever is wrong with a file, one SourceError says what and where."""

from __future__ import annotations

import json
import os

import pytest

from trainer.core.errors import SourceError

CASES = [
    ("empty.json", b"", "empty.json: empty"),
    ("blank.csv", b" \n\n", "blank.csv: empty"),
    ("bom.yaml", b"\xef\xbb\xbf", "bom.yaml: empty"),
    ("binary.csv", b"a,b\n1,\x00\n", "binary.csv:2:3: binary, not text"),
    ("latin.csv", "a,b\n1,é\n".encode("latin-1"), "latin.csv:2:3: not UTF-8 text (byte 0xe9)"),
    ("half16.csv", b"\xff\xfea", "half16.csv:1:3: not UTF-16 text (byte 0x61)"),
    ("cut.json", b'{"a": 1,\n "b": ', "cut.json:2:7: not valid JSON: Expecting value"),
    ("nan.json", b'{"a":\n NaN}', "nan.json:2:2: NaN is no JSON"),
    ("huge.json", b'{"a":\n 1e400}', "huge.json:2:2: 1e400 is too large a number"),
    ("inf.yaml", b"a:\n  - .inf\n", "inf.yaml:2:5: inf is not a number in data"),
    ("twice.json", b'{"a": 1,\n "a": 2}', 'twice.json:2:2: the key "a" stands twice'),
    ("half.json", b'["\\ud83d"]', "half.json:1:2: a \\u escape that is half a character"),
    ("deep.json", b"[" * 100_000, "deep.json:1:101: nested more than 100 levels deep"),
    ("long.json", b"1" * 5000, "long.json:1:1: a whole number of more than 4,300 digits"),
    ("two.json", b"{} {}", "two.json:1:4: not valid JSON: Extra data"),
    ("twice.yaml", b"a: 1\na: 2\n", 'twice.yaml:2:1: the key "a" stands twice'),
    ("tab.yaml", b"a:\n\t- 1\n", "tab.yaml:2:1: not valid YAML"),
    ("tag.yaml", b"a: !!python/name:os.system\n", "tag.yaml:1:4: the tag"),
    ("front.md", b"---\ntitle: x\n", "front.md:1: the front matter is not closed"),
    ("bad.md", b"---\na: 1\na: 2\n---\ntext\n", "bad.md:1: front matter that is not valid YAML"),
    ("quote.csv", b'a,b\n1,"x\n2,y\n', "quote.csv:2: a quotation mark that is never closed"),
    ("inner.csv", b'a,b\n1,x\n2,"x, y"z\n', "inner.csv:3: 3 cells where the first row has 2"),
    ("short.csv", b"a,b\n1,2\n3\n", "short.csv:3: 1 cells where the first row has 2"),
    ("wide.csv", b"a,b\n1,2,3\n", "wide.csv:2: 3 cells where the first row has 2"),
    ("names.csv", b"a,b,a\n1,2,3\n", 'names.csv:1: the column "a" stands twice'),
    ("data.xlsx", b"PK", "data.xlsx: named .xlsx, and is plain text"),
    ("data.docx", b"PK\x03\x04" + bytes(60), "data.docx: damaged, or cut off"),
    ("data.bin", b"\x00\x01\x02\x03" * 9, "data.bin: neither text nor a format that is known"),
    ("error.csv", b"<!DOCTYPE html><html><body>502</body></html>", "error.csv: named .csv, and holds an HTML page"),
    (
        "old.doc",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"),
        "old.doc: a Word document of",
    ),
    (
        "when.json",
        b'{"retrieved_at": "yesterday", "data": {}}',
        'when.json: retrieved_at cannot be "yesterday"\n  write it like 2025-02-14T21:00:02Z',
    ),
]


@pytest.mark.parametrize(("name", "content", "message"), CASES, ids=[case[0] for case in CASES])
def test_a_faulty_file_gives_one_clear_error(project, name, content, message):
    root, source = project
    (root / name).write_bytes(content)

    with pytest.raises(SourceError) as caught:
        source.retrieve({"path": name})

    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 1


def test_every_fault_of_an_envelope_is_told_at_once(project):
    root, source = project
    envelope = {
        "retrieved_at": 5,
        "as_of": "2025-02-30",
        "subject": ["x"],
        "fields": {"a": {"titel": "A"}, "b": {"title": 1}, "c": "C", "d": {"unit": "USD"}},
        "data": {},
    }
    (root / "a.json").write_text(json.dumps(envelope))

    with pytest.raises(SourceError) as caught:
        source.retrieve({"path": "a.json"})

    assert [problem.message for problem in caught.value.problems] == [
        "subject must be text",
        'retrieved_at cannot be "5"',
        'as_of cannot be "2025-02-30"',
        'unknown part of fields.a "titel"',
        "fields.b must be a mapping of title, unit and description to text",
        "fields.c must be a mapping of title, unit and description to text",
        "fields.d has no title",
    ]


@pytest.mark.parametrize("fields", [[], 1, "x"])
def test_fields_of_another_kind_are_refused(project, fields):
    root, source = project
    (root / "a.json").write_text(json.dumps({"retrieved_at": "2025-01-01", "fields": fields or [1], "data": {}}))

    with pytest.raises(SourceError, match="fields must be a mapping of dotted path"):
        source.retrieve({"path": "a.json"})


def test_every_faulty_line_is_told_at_once(project):
    root, source = project
    (root / "a.jsonl").write_text('{"a": 1}\n{"a": }\n{"a": 1, "a": 2}\n')

    with pytest.raises(SourceError) as caught:
        source.retrieve({"path": "a.jsonl"})

    assert [str(problem.where) for problem in caught.value.problems] == ["a.jsonl:2:7", "a.jsonl:3:10"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_told(project):
    root, source = project
    (root / "a.json").write_text("{}")
    (root / "a.json").chmod(0)

    with pytest.raises(SourceError, match=r"^a\.json: cannot be read: Permission denied"):
        source.retrieve({"path": "a.json"})


def test_a_pipe_is_not_waited_for(project):
    root, source = project
    os.mkfifo(root / "a.json")

    with pytest.raises(SourceError, match=r"^a\.json: not a file"):
        source.retrieve({"path": "a.json"})
