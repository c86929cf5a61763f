import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from trainer.core.clock import isoformat, parse_duration, parse_moment
from trainer.core.digest import canonical, digest, pretty
from trainer.core.errors import UsageError, nearest, unknown
from trainer.core.registry import Adapter, Registry
from trainer.core.values import Message, Output, Prompt


def test_equal_values_have_equal_digests_whatever_their_order() -> None:
    assert digest({"b": 1, "a": [1.0, "é"]}) == digest({"a": [1.0, "é"], "b": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


def test_canonical_json_is_one_sorted_line() -> None:
    value = {"b": date(2025, 2, 14), "a": {"x", "y"}, "m": Message("user", "hé"), "d": Decimal("1.10")}

    assert canonical(value) == '{"a":["x","y"],"b":"2025-02-14","d":"1.10","m":{"content":"hé","role":"user"}}'
    assert pretty({"b": 1, "a": "é"}) == '{\n  "a": "é",\n  "b": 1\n}\n'


def test_a_digest_is_the_same_in_every_process() -> None:
    code = "from trainer.core.digest import digest; print(digest({'s': {'c', 'a', 'b'}, 'f': 0.1}))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert len(seen) == 1


def test_a_prompt_with_a_system_message_sends_two() -> None:
    prompt = Prompt(instruction="a.md", title="A", text="hello", system="be brief")

    assert prompt.messages == (Message("system", "be brief"), Message("user", "hello"))


def test_a_prompt_digest_changes_with_what_is_asked_for() -> None:
    plain = Prompt(instruction="a.md", title="A", text="hello")
    asked = Prompt(instruction="a.md", title="A", text="hello", output=Output(sections=("Summary",)))

    assert plain.digest != asked.digest
    assert plain.digest == Prompt(instruction="b.md", title="B", text="hello").digest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("6h", 21600), ("7d", 604800), ("1h30m", 5400), ("250ms", 0.25), ("1.5m", 90), ("10", 10), (3, 3)],
)
def test_durations_are_read_as_people_write_them(text: str | int, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "h", "1h x"])
def test_what_is_no_duration_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(text)


def test_moments_are_written_one_way() -> None:
    moment = parse_moment("2025-02-14T22:00:02.5+01:00")

    assert moment == datetime(2025, 2, 14, 21, 0, 2, 500000, tzinfo=UTC)
    assert isoformat(moment) == "2025-02-14T21:00:02Z"
    assert parse_moment("2025-02-14") == datetime(2025, 2, 14, tzinfo=UTC)


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert nearest("Ticker", ["TICKER", "NAME"]) == "TICKER"
    assert nearest("zzz", ["TICKER"]) is None
    assert unknown("source", "zzz", ["b", "a"]) == ('unknown source "zzz"', "known: a, b")


def test_an_unknown_adapter_is_told_with_the_nearest_name() -> None:
    registry = Registry("things", {"duckdb": Adapter("trainer.core.values:Prompt")})

    assert registry.load("duckdb") is Prompt
    with pytest.raises(UsageError, match='unknown thing "duckbd"\n  did you mean "duckdb"'):
        registry.load("duckbd")


def test_a_missing_dependency_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needy.py").write_text("import not_there_at_all\nclass Thing: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry("things", {"needy": Adapter("needy:Thing", extra="things", needs="not_there_at_all")})

    with pytest.raises(UsageError, match=r'run: pip install "trainer-core\[things\]"'):
        registry.load("needy")
