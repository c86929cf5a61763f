"""Completion in real shells: names of the project where they are wanted, names of files everywhere else."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest


@pytest.fixture
def project(blank: Path, run) -> Path:
    """A project with a stored document."""
    assert run(blank, "store", "put", "own:a:1", stdin="{}").returncode == 0
    return blank


def type_in_bash(folder: Path, forked: Path, environment: dict[str, str], words: str) -> str:
    """What bash makes of the line after a tab."""
    master, slave = pty.openpty()
    environment = {**environment, "PATH": f"{forked.parent}:{environment['PATH']}", "PS1": "$ ", "TERM": "dumb"}
    shell = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        cwd=folder,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    script = "eval \"$(trainer --show-completion)\"; bind 'set bell-style none'\n"
    try:
        os.write(master, script.encode() + b"echo ready-$((40+2))\n")
        _read_until(master, "ready-42")
        os.write(master, words.encode() + b"\t\x01echo [\x05]\n")
        return re.findall(r"^\[(.*)\]\r?$", _read_until(master, "\n["), re.MULTILINE)[-1]
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
        os.close(slave)


def _read_until(master: int, mark: str) -> str:
    text, end = "", time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            text += os.read(master, 65536).decode("utf-8", "replace")
        elif mark in text:
            return text
    raise AssertionError(f"{mark!r} did not come: {text!r}")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("trainer rep", "trainer report "),
        ("trainer report --ch", "trainer report --check "),
        ("trainer report o", "trainer report overview "),
        ("trainer run ov", "trainer run overview "),
        ("trainer retrieve sec", "trainer retrieve sec_filings "),
        ("trainer run x --provider openai_c", "trainer run x --provider openai_compatible "),
        ("trainer store get ow", "trainer store get own:a:1 "),
        ("trainer store get own:a", "trainer store get own:a:1 "),
        ("trainer checks x.md --data own:", "trainer checks x.md --data own:a:1 "),
        ("trainer run x --data figures=own:a", "trainer run x --data figures=own:a:1 "),
        ("trainer checks conf", "trainer checks config.yaml "),
        ("trainer convert information/da", "trainer convert information/data/"),
    ],
)
def test_bash_completes_names_of_the_project_and_of_files(
    project: Path, forked: Path, environment: dict[str, str], words: str, line: str
) -> None:
    assert type_in_bash(project, forked, environment, words) == line


def ask(folder: Path, forked: Path, environment: dict[str, str], **question: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [forked], cwd=folder, env={**environment, **question}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("instruction", ["complete_bash", "bash_complete"])
def test_both_spellings_of_the_question_are_answered(
    project: Path, forked: Path, environment: dict[str, str], instruction: str
) -> None:
    question = {"_TRAINER_COMPLETE": instruction, "COMP_WORDS": "trainer report ", "COMP_CWORD": "2"}

    assert ask(project, forked, environment, **question).stdout == "overview\n"


def test_zsh_and_fish_are_told_the_same_names(project: Path, forked: Path, environment: dict[str, str]) -> None:
    words = {"_TYPER_COMPLETE_ARGS": "trainer report "}
    zsh = ask(project, forked, environment, _TRAINER_COMPLETE="complete_zsh", **words)
    fish = {"_TRAINER_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}

    assert zsh.stdout.strip() == "_arguments '*: :((\"overview\"))'"
    assert ask(project, forked, environment, **fish, **words).stdout.split() == ["overview"]


def test_where_nothing_is_known_zsh_and_fish_complete_files(
    project: Path, forked: Path, environment: dict[str, str]
) -> None:
    words = {"_TYPER_COMPLETE_ARGS": "trainer checks inf"}
    zsh = ask(project, forked, environment, _TRAINER_COMPLETE="complete_zsh", **words)
    fish = {"_TRAINER_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "is-args"}

    assert zsh.stdout.strip() == "_files"
    assert ask(project, forked, environment, **fish, **words).returncode == 1


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_a_real_fish_completes_reports(project: Path, forked: Path, environment: dict[str, str]) -> None:
    script = ask(project, forked, environment, _TRAINER_COMPLETE="source_fish").stdout
    done = subprocess.run(
        ["fish", "--no-config", "-c", f'{script}\ncomplete -C "trainer report ov"'],
        cwd=project,
        env={**environment, "PATH": f"{forked.parent}:{environment['PATH']}", "HOME": str(project)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.split() == ["overview"], done.stderr


def test_a_broken_project_completes_nothing_and_says_nothing(
    project: Path, forked: Path, environment: dict[str, str]
) -> None:
    (project / "config.yaml").write_text("reports: [")
    question = {"_TRAINER_COMPLETE": "complete_bash", "COMP_WORDS": "trainer report ", "COMP_CWORD": "2"}

    done = ask(project, forked, environment, **question)

    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_a_name_that_a_shell_would_run_is_not_offered(project: Path, forked: Path, environment: dict[str, str]) -> None:
    folder = project / "information" / "instructions"
    shutil.copy(folder / "overview.md", folder / "$(touch pwned).md")
    question = {"_TRAINER_COMPLETE": "complete_bash", "COMP_WORDS": "trainer run ", "COMP_CWORD": "2"}

    assert ask(project, forked, environment, **question).stdout.split() == ["overview"]
