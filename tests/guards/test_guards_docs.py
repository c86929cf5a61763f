"""The docs are true: the reference is up to date, every command shown runs, every link leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from servers.openai import Reply, openai_server

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def commands(page: Path) -> list[str]:
    """The lines after `$ ` in the page's console blocks, in order."""
    blocks = _BLOCK.findall(page.read_text())
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_of_a_page_runs(tmp_path: Path, page: Path, forked: Path, environment: dict[str, str]) -> None:
    with openai_server(lambda server, seen: Reply(content="## Summary\n\nRevenue grew.\n")) as server:
        script = "\n".join(["set -eu", *commands(page)]).replace("http://localhost:11434/v1", server.url)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**environment, "PATH": f"{forked.parent}:{environment['PATH']}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def test_the_reference_is_what_the_program_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, f"{done.stdout}\nrun: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    targets = [link for link in _LINK.findall(page.read_text()) if "://" not in link]

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_command_of_the_command_line_has_a_place_in_the_docs() -> None:
    from trainer.cli.commands import COMMANDS

    reference = (ROOT / "docs" / "reference" / "commands.md").read_text()

    assert [name for name in COMMANDS if f"## trainer {name}\n" not in reference] == []


_PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_python_shown_runs(blank: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    page = (ROOT / "docs" / "how-to" / "use-from-python.md").read_text()
    script = "\n".join(_PYTHON.findall(page)).replace('"my-reports"', repr(str(blank)))

    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nprint(page[:15], html[:15])"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "<!doctype html> <!doctype html>\n", done.stderr
