"""docs/how-to/add-a-format.md, followed literally in a copy of the source."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "how-to" / "add-a-format.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[number]


def test_one_file_and_one_line_make_a_format(tmp_path):
    source = tmp_path / "src"
    shutil.copytree(REPOSITORY / "src", source, ignore=shutil.ignore_patterns("__pycache__", "*.pdf"))
    (source / "trainer/convert/writers/headings.py").write_text(block("python"))
    table = source / "trainer/core/formats.py"
    before = table.read_text()
    after = before.replace('    Format(\n        "html"', block("text") + '    Format(\n        "html"', 1)
    table.write_text(after)
    trainer = f"{sys.executable} -c 'from trainer.cli.main import main; main()'"
    script = block("sh").replace("trainer convert", f"{trainer} convert")
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(source)}, capture_output=True, text=True, check=False
    )

    assert after != before
    assert (done.returncode, done.stdout) == (0, block("text", 1))
