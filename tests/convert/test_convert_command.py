"""`trainer convert` through the real executable."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPORT = "# Acme\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.fixture
def trainer(fork_server, environment):
    """Runs the command; gives the bytes it wrote."""

    def run(*arguments: str, folder: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return fork_server.run(arguments, cwd=folder, env=environment, stdin=stdin)

    return run


def test_the_format_comes_from_the_output_s_suffix_and_a_second_run_writes_nothing(tmp_path, trainer):
    (tmp_path / "a.md").write_text(REPORT)
    first = trainer("convert", "a.md", "-o", "out/a.html", folder=tmp_path)
    stamp = (tmp_path / "out/a.html").stat().st_mtime_ns
    second = trainer("convert", "a.md", "-o", "out/a.html", folder=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stderr == b"a.md -> out/a.html (unchanged)\n"
    assert (tmp_path / "out/a.html").stat().st_mtime_ns == stamp


def test_standard_input_and_output(tmp_path, trainer):
    done = trainer("convert", "-", "-f", "text", "-t", "json", folder=tmp_path, stdin=b'Here: {"a": [1,]}')

    assert (done.returncode, json.loads(done.stdout)) == (0, {"a": [1]})
    assert done.stderr == b"-: trailing comma dropped\n"


def test_many_inputs_go_beside_themselves_on_all_cores(tmp_path, trainer):
    for number in range(9):
        (tmp_path / f"{number}.md").write_text(f"# Report {number}\n")
    done = trainer("convert", *(f"{number}.md" for number in range(9)), "-t", "text", "--json", folder=tmp_path)

    assert [file["output"] for file in json.loads(done.stdout)["files"]] == [f"{number}.txt" for number in range(9)]
    assert (tmp_path / "8.txt").read_text() == "Report 8\n========\n"


def test_what_fails_is_told_and_the_rest_is_kept(tmp_path, trainer):
    (tmp_path / "good.json").write_text('{"a": 1}')
    (tmp_path / "bad.json").write_text('{"a": \n}')
    done = trainer("convert", "good.json", "bad.json", "-t", "markdown", folder=tmp_path)

    assert done.returncode == 6
    assert b"bad.json:2:1: not valid JSON" in done.stderr
    assert (tmp_path / "good.md").read_text() == "- **A:** 1\n"


def test_strict_takes_a_missing_picture_for_an_error_and_writes_nothing(tmp_path, trainer):
    (tmp_path / "a.md").write_text("Text.\n\n![Chart](none.png)\n")
    done = trainer("convert", "a.md", "-o", "a.html", "--strict", folder=tmp_path)

    assert done.returncode == 1
    assert b"a.md:3: picture left out: there is no such file" in done.stderr
    assert not (tmp_path / "a.html").exists()


def test_wrong_names_are_answered_with_the_nearest(tmp_path, trainer):
    (tmp_path / "a.md").write_text(REPORT)
    done = trainer("convert", "a.md", "-t", "htm", folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(b'error: unknown output format "htm"\n  did you mean "html"? known: asciidoc, ')


def test_an_output_never_replaces_its_input(tmp_path, trainer):
    (tmp_path / "a.md").write_text(REPORT)
    done = trainer("convert", "a.md", "-t", "markdown", "-o", "a.md", folder=tmp_path)

    assert done.returncode == 2
    assert b"the output would replace its input" in done.stderr


def test_dash_as_output_is_the_standard_output(tmp_path, trainer):
    (tmp_path / "a.md").write_text("# A\n")
    done = trainer("convert", "a.md", "-t", "text", "-o", "-", folder=tmp_path)

    assert (done.returncode, done.stdout, sorted(path.name for path in tmp_path.iterdir())) == (0, b"A\n=\n", ["a.md"])


def test_what_does_not_fit_the_schema_is_not_written_whatever_it_came_from(tmp_path, trainer):
    (tmp_path / "schema.json").write_text('{"type": "object", "required": ["Revenue"]}')
    (tmp_path / "a.md").write_text("# Sales\n\n- Revenue: $56.3\n")
    done = trainer("convert", "a.md", "-t", "json", "--schema", "schema.json", "-o", "a.json", folder=tmp_path)

    assert done.returncode == 1
    assert b"a.md: does not fit the schema: at $: " in done.stderr
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("target", ["pdf", "html"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_batch_stops_at_once(target, number, tmp_path):
    for at in range(40):
        (tmp_path / f"{at}.md").write_text("# Report\n\n" + "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 2_000)
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from trainer.cli.main import main; main()"
    )
    names = [f"{at}.md" for at in range(40)]
    batch = subprocess.Popen(
        [sys.executable, "-c", code, "convert", *names, "-t", target], cwd=tmp_path, stderr=subprocess.PIPE
    )
    under_way = time.monotonic() + 4
    while time.monotonic() < under_way and not list(tmp_path.glob(f"*.{target}")):
        time.sleep(0.02)
    started = time.monotonic()
    batch.send_signal(number)

    assert batch.wait(30) == 130
    assert time.monotonic() - started < 5
