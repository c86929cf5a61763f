"""docs/how-to/add-a-provider.md, followed literally in a copy of the source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "how-to" / "add-a-provider.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_one_file_and_one_line_make_a_provider(tmp_path):
    source = tmp_path / "src"
    shutil.copytree(REPOSITORY / "src", source)  # with bytecode, which fits files of the same time and size
    adapter, line = blocks("python")
    (source / "trainer/providers/program.py").write_text(adapter)
    table = source / "trainer/providers/registry.py"
    table.write_text(table.read_text().replace('        "replay":', f'        {line}        "replay":', 1))
    (config,) = blocks("yaml")

    def ask(program: str) -> tuple[int, str, str]:
        (tmp_path / "config.yaml").write_text(config.replace("my-model --quiet", program))
        done = subprocess.run(
            [sys.executable, "-c", "from trainer.cli.main import main; main()", "run", "-", "--no-cache"],
            input="Write a line.",
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.partition("\n")[0]

    assert ask("sh -c 'echo $0 answers; cat'") == (
        0,
        "small answers\nWrite a line.\n",
        "program/small: 4 + 7 tokens, cost unknown",
    )
    assert ask("sh -c 'echo no model $0 >&2; exit 3'") == (1, "", "error: no model small")
