"""One way to fetch and to store: what is due, what fails alone, what is kept."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trainer.actions.data import DataRequest, Sources, check_sources, fetch, is_current, known_digests, load_documents
from trainer.actions.digest_memo import DigestMemo
from trainer.core.errors import SourceError, UsageError
from trainer.core.project import Project, open_project
from trainer.stores import Head

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "config.yaml").write_text("data_retriever: {sources: {sec_filings: {tiemout: 3}}}\n")
    (tmp_path / "a.json").write_text('{"a": 1}')
    return open_project(tmp_path, environ={})


@pytest.fixture
def sources(project: Project) -> Sources:
    return Sources(project, clock=lambda: NOW)


def file(name: str) -> DataRequest:
    return DataRequest(f"file:{name}", "file", {"path": name}, local=True)


@pytest.mark.parametrize(
    ("max_age", "ttl", "default", "current"),
    [
        (None, None, None, True),
        (None, None, 0, False),
        (None, 3601, 0, True),
        (None, 3599, None, False),
        (3601, 1, None, True),
        (3599, None, None, False),
    ],
)
def test_stored_data_holds_by_max_age_then_by_ttl_then_by_default(max_age, ttl, default, current):
    request = DataRequest("k", "api", max_age=max_age)
    head = Head(1, "d", NOW - timedelta(hours=1), NOW - timedelta(hours=1), ttl)

    assert is_current(request, head, clock=lambda: NOW, default=default) is current


def test_what_is_not_stored_or_lies_in_the_project_is_never_current():
    head = Head(1, "d", NOW, NOW, None)

    assert not is_current(DataRequest("k", "api"), None, clock=lambda: NOW)
    assert not is_current(file("a.json"), head, clock=lambda: NOW)


def test_one_broken_source_and_one_missing_file_do_not_stop_the_others(sources):
    broken = DataRequest("sec_filings:A:facts", "sec_filings", {"ticker": "A"})
    outcomes = fetch([broken, file("missing.json"), file("a.json")], sources)

    assert isinstance(outcomes["sec_filings:A:facts"].error, UsageError)
    assert isinstance(outcomes["file:missing.json"].error, SourceError)
    assert outcomes["file:a.json"].result.data == {"a": 1}


def test_a_file_that_cannot_be_read_has_a_digest_like_no_other(project, sources):
    digests = known_digests(project, [file("missing.json"), file("a.json")], sources=sources)

    assert digests["file:missing.json"] == ""
    assert digests["file:a.json"]


def test_what_could_not_be_had_is_told_by_key_and_the_rest_is_stored(project, sources):
    loaded = load_documents(project, [file("missing.json"), file("a.json")], sources=sources, clock=lambda: NOW)

    assert list(loaded.documents) == ["file:a.json"]
    assert loaded.documents["file:a.json"].version == 1
    assert list(loaded.errors) == ["file:missing.json"]


def test_what_is_stored_stands_in_for_a_source_that_cannot_be_reached(project):
    settings = "{yahoo_finance: {base_url: 'http://127.0.0.1:9', retries: 0}}"
    (project.root / "config.yaml").write_text(f"data_retriever: {{sources: {settings}}}\n")
    project = open_project(project.root, environ={})
    sources = Sources(project, clock=lambda: NOW)
    request = DataRequest("yahoo_finance:A:quote", "yahoo_finance", {"ticker": "A"}, max_age=0)
    from trainer.actions.wiring import open_store

    store = open_store(project, clock=lambda: NOW)
    store.store("yahoo_finance:A:quote", {"price": 1}, {}, source="yahoo_finance")
    store.close()

    loaded = load_documents(project, [request], sources=sources, clock=lambda: NOW)

    assert loaded.documents["yahoo_finance:A:quote"].data == {"price": 1}
    assert "cannot be reached" in loaded.warnings[0]
    assert "the version of 2025-03-01T12:00:00Z is used" in loaded.warnings[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "CODE,VERSION\n000001,1.10\n"),
        ("rows.json", '[{"CODE": "000001", "VERSION": 1.10}]'),
        ("rows.jsonl", '{"CODE": "000001", "VERSION": 1.10}\n'),
        ("rows.yaml", "- {CODE: 000001, VERSION: 1.10}\n"),
    ],
)
def test_rows_of_a_batch_keep_what_was_spelt(project, name, text):
    from trainer.actions.batch import read_rows

    (project.root / name).write_text(text)

    assert read_rows(project, project.root / name) == [{"CODE": "000001", "VERSION": "1.10"}]


def test_all_that_is_wrong_with_the_sources_is_told_by_config_check(tmp_path):
    (tmp_path / "config.yaml").write_text("""
data_retriever:
  provider: fiel
  sources:
    sec_filings: {tiemout: 3}
    api: {apis: {demo: {base_url: "https://demo.example", paging: {kind: cursor, next: "next["}}}}
""")
    project = open_project(tmp_path, environ={})

    problems = [problem for error in check_sources(project, Sources(project)) for problem in error.problems]

    assert [f"{problem.where}: {problem.message}; {problem.hint}" for problem in problems] == [
        'config.yaml:3:13: unknown source "fiel"; did you mean "file"?',
        'config.yaml:5:28: unknown option of source sec_filings "tiemout"; did you mean "timeout"?',
        "config.yaml:6:35: apis.demo.paging.next is not a JMESPath: Invalid jmespath expression: Incomplete "
        'expression:: "next["; begin a pointer with /; a JMESPath is explained at https://jmespath.org',
    ]


@pytest.fixture
def cached(project: Project, sources: Sources) -> Project:
    """The project with a cache that knows its file."""
    project.cache.mkdir(parents=True)
    known_digests(project, [file("a.json")], sources=sources)
    return project


def test_an_edit_of_the_same_size_in_the_same_moment_is_another_datum(cached, sources):
    path = cached.root / "a.json"
    before, times = known_digests(cached, [file("a.json")], sources=sources), path.stat()
    path.write_text('{"a": 2}')
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert path.stat().st_size == times.st_size
    assert known_digests(cached, [file("a.json")], sources=sources) != before


def test_bytes_that_were_read_before_are_not_parsed_again(cached, sources):
    kept = cached.cache / "digests.json"
    memo = DigestMemo.read(kept)
    entry = replace(memo.entries["file:a.json"], digest="as kept", stamp=None)
    DigestMemo(entries={"file:a.json": entry}).write(kept, unless=memo)

    assert known_digests(cached, [file("a.json")], sources=sources) == {"file:a.json": "as kept"}


def test_a_file_that_has_not_changed_since_is_not_read_again(cached, project):
    kept, later = cached.cache / "digests.json", Sources(project, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    known_digests(cached, [file("a.json")], sources=later)
    memo = DigestMemo.read(kept)
    entry = replace(memo.entries["file:a.json"], fingerprint="of other bytes", digest="as kept")
    DigestMemo(entries={"file:a.json": entry}).write(kept, unless=memo)

    assert known_digests(cached, [file("a.json")], sources=later) == {"file:a.json": "as kept"}
    (cached.root / "b.json").write_bytes((cached.root / "a.json").read_bytes())
    (cached.root / "b.json").replace(cached.root / "a.json")
    assert known_digests(cached, [file("a.json")], sources=later) != {"file:a.json": "as kept"}


@pytest.mark.parametrize("content", ["", "[]", '{"version": "0", "entries": {"file:a.json": ["", "wrong"]}}'])
def test_kept_digests_that_are_broken_or_of_another_version_are_made_anew(cached, sources, content):
    right = (cached.cache / "digests.json").read_text()
    (cached.cache / "digests.json").write_text(content)
    known_digests(cached, [file("a.json")], sources=sources)

    assert (cached.cache / "digests.json").read_text() == right


def test_a_project_without_a_cache_gets_none(project, sources):
    known_digests(project, [file("a.json")], sources=sources)

    assert not project.state.exists()
