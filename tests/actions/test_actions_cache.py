"""The cache stays below its limit, and what built reports need stays in it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer.actions.cache import prune_cache
from trainer.core.digest import digest
from trainer.core.values import CompletionResult
from trainer.providers import CompletionCache

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = 86400.0


def made(folder: Path, days_ago: dict[str, float]) -> CompletionCache:
    """A cache with a completion of about 1 kB for each letter, used so many days ago."""
    cache = CompletionCache(folder / ".trainer/cache/completions")
    for letter, days in days_ago.items():
        key = letter * 64
        cache.put(key, CompletionResult(letter * 1000, 1, "m", "p", 0.0))
        moment = NOW.timestamp() - days * DAY
        os.utime(cache.path(key), (moment, moment))
    return cache


def left(cache: CompletionCache) -> str:
    return "".join(sorted(path.stem[0] for path in cache.folder.glob("*/*.json")))


@pytest.fixture
def project(blank: Path):
    from trainer.core.project import open_project

    return open_project(blank, environ={})


def test_the_longest_unused_are_removed_until_the_rest_fits(project) -> None:
    cache = made(project.root, {"a": 5, "b": 9, "c": 2, "d": 7})

    assert prune_cache(project, 10_000, clock=lambda: NOW) == 0
    assert prune_cache(project, 4000, clock=lambda: NOW) == 2
    assert left(cache) == "ac"


def test_what_was_used_within_a_day_and_the_answers_of_reports_stay(project) -> None:
    cache = made(project.root, {"a": 90, "b": 80, "c": 0.5})
    provenance = project.output / "json" / "overview.json"
    provenance.parent.mkdir(parents=True)
    provenance.write_text(json.dumps({"completion": {"digest": digest("a" * 1000)}}))

    assert prune_cache(project, 0, clock=lambda: NOW) == 1
    assert left(cache) == "ac"


def test_prompts_count_and_are_removed_as_well(project) -> None:
    prompt = project.cache / "prompts" / "ab" / "abcd.json"
    prompt.parent.mkdir(parents=True)
    prompt.write_text("{}" * 1000)
    os.utime(prompt, (0, 0))
    cache = made(project.root, {"a": 5})

    assert prune_cache(project, 2500, clock=lambda: NOW) == 1
    assert left(cache) == "a"


def test_a_completion_that_is_used_counts_as_used(project) -> None:
    cache = made(project.root, {"a": 5, "b": 4})
    cache.get("a" * 64)

    assert prune_cache(project, 2000, clock=lambda: NOW) == 1
    assert left(cache) == "a"


def test_a_command_prunes_once_an_hour(blank: Path, run) -> None:
    cache = made(blank, {"a": 90})
    cap = ("--set", "llm_provider.cache_mb=0", "run", "overview", "-p")
    first = run(blank, *cap, "NAME=North")
    after = left(cache)
    made(blank, {"b": 90})
    second = run(blank, *cap, "NAME=South")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "a" not in after
    assert "b" in left(cache)
