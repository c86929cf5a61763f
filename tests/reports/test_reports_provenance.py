"""What a report was made from: there and back as a file, and what becomes of a broken one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trainer.core.errors import Where
from trainer.core.values import CompletionResult, DataBlock, Field, Finding, Verdict
from trainer.reports import Provenance, Written, provenance_path, read_provenance
from trainer.reports.provenance import UNDATED, describe_completion, describe_findings

DATED = DataBlock(
    name="quote",
    key="yahoo_finance:ABBV:quote",
    version=3,
    source="yahoo_finance",
    retrieved_at=datetime(2025, 2, 21, 21, 0, 2, tzinfo=UTC),
    data={"price": 201.89, "years": [1, None, "ü"], "empty": {}},
    digest="0" * 64,
    subject="AbbVie Inc",
    as_of="2025-02-21",
    fields={"price": Field("Price", "USD/share", "Last price."), "years": Field("Years")},
)
PLAIN = DataBlock(
    name="notes", key="file:notes", version=1, source="file", retrieved_at=None, data=[1], digest="1" * 64
)
WHOLE = Provenance(
    report="alpha",
    title='Alpha "1" \n ü 😀',
    date="2025-02-21",
    ingredients={"instruction": "i", "data": {"quote": "d"}},
    params={"A": 1, "B": None, "C": [1.5, "x"]},
    data=(DATED, PLAIN),
    prompt={"digest": "p", "tokens": 12},
    completion={"provider": "draft", "cost": 0.0},
    findings=({"kind": "contradicted", "severity": "error", "line": 3},),
    scores={"quality": 0.75},
    outputs=(Written("output/report/alpha.md", "2" * 64),),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = provenance_path(tmp_path, "alpha")
    found.parent.mkdir()
    found.write_text(WHOLE.text(), encoding="utf-8")
    return found


def test_it_lies_beside_the_report(tmp_path: Path) -> None:
    assert provenance_path(tmp_path, "alpha") == tmp_path / "json/alpha.json"


def test_what_is_written_is_read_again_as_it_was(path: Path) -> None:
    found = read_provenance(path)

    assert found == WHOLE
    assert found is not None
    assert found.text() == WHOLE.text()


def test_the_text_is_the_same_whatever_the_order_of_names() -> None:
    turned = replace(WHOLE, params=dict(reversed(WHOLE.params.items())), scores={"quality": 0.75})

    assert turned.text() == WHOLE.text()
    assert WHOLE.text().endswith("}\n")


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_provenance(tmp_path / "none.json") is None
    assert read_provenance(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"7", b'"text"', b"{}", b"\xff\xfe", b'{"data": null}', b"<<<<<<< HEAD\n{}\n"],
)
def test_a_file_that_is_no_provenance_is_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert read_provenance(path) is None


@pytest.mark.parametrize("name", [name for name in WHOLE.__slots__ if name not in ("edits", "figures")])
def test_without_one_of_its_parts_it_is_none(path: Path, name: str) -> None:
    content = json.loads(path.read_text())
    del content[name]
    path.write_text(json.dumps(content))

    assert read_provenance(path) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("extra",), 1),
        (("data", 0, "extra"), 1),
        (("data", 0, "retrieved_at"), "yesterday"),
        (("data", 0, "fields"), None),
        (("data", 0), "text"),
        (("outputs", 0, "extra"), 1),
        (("outputs",), 3),
        (("findings",), None),
        (("findings", 0), "text"),
        (("ingredients",), None),
        (("completion",), []),
        (("scores", "quality"), "good"),
        (("outputs", 0, "path"), 7),
        (("title",), None),
        (("date",), 2025),
        (("schema",), "1"),
    ],
)
def test_with_a_part_it_cannot_mean_it_is_none(path: Path, place: tuple[Any, ...], value: object) -> None:
    content = json.loads(path.read_text())
    inside = content
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    path.write_text(json.dumps(content))

    assert read_provenance(path) is None


def test_a_store_gets_back_the_documents_with_version_moment_and_meaning() -> None:
    dated, plain = WHOLE.documents()

    assert (dated.key, dated.version, dated.data, dated.updated_at) == (
        "yahoo_finance:ABBV:quote",
        3,
        DATED.data,
        DATED.retrieved_at,
    )
    assert dated.metadata == {
        "fields": {
            "price": {"title": "Price", "unit": "USD/share", "description": "Last price."},
            "years": {"title": "Years", "unit": "", "description": ""},
        },
        "subject": "AbbVie Inc",
        "as_of": "2025-02-21",
        "retrieved_at": "2025-02-21T21:00:02Z",
    }
    assert (plain.updated_at, plain.metadata) == (UNDATED, {"fields": {}})


def test_a_completion_is_kept_without_what_differs_between_a_fresh_and_a_cached_one() -> None:
    fresh = CompletionResult("text", 3, "m2", "p", 0.5, model_asked="m1", tokens_in=1, tokens_out=2, origin="fresh")

    kept = describe_completion(fresh)

    assert kept == describe_completion(replace(fresh, origin="cached", metadata={"seconds": 1}))
    assert (kept["model_asked"], kept["model"], kept["cost"]) == ("m1", "m2", 0.5)
    assert describe_completion(replace(fresh, model_asked=""))["model_asked"] == "m2"


def test_a_finding_is_kept_with_its_place_and_without_what_it_does_not_say() -> None:
    verdict = Verdict(
        (
            Finding("contradicted", "error", "no", Where("a.md", 3, 7), text="5", support="q@1"),
            Finding("n", "note", "m"),
        )
    )

    assert describe_findings(verdict) == (
        {
            "kind": "contradicted",
            "severity": "error",
            "message": "no",
            "line": 3,
            "column": 7,
            "text": "5",
            "support": "q@1",
        },
        {"kind": "n", "severity": "note", "message": "m"},
    )
