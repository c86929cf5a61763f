"""docs/how-to/add-a-command.md, followed literally in a copy of the source."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "how-to" / "add-a-command.md").read_text(encoding="utf-8")


def test_two_files_and_one_line_make_a_command(tmp_path):
    source = tmp_path / "src"
    shutil.copytree(REPOSITORY / "src", source)  # with bytecode, which fits files of the same time and size
    action, command, line = re.findall(r"^```py\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (source / "trainer/actions/words.py").write_text(action)
    (source / "trainer/cli/words.py").write_text(command)
    table = source / "trainer/cli/commands.py"
    table.write_text(table.read_text().replace("COMMANDS = {\n", f"COMMANDS = {{\n{line}", 1))
    project = tmp_path / "project"
    (project / "information/instructions").mkdir(parents=True)
    (project / "information/instructions/note.md").write_text("Write a note.\n")
    (project / "config.yaml").write_text("reports: {note: {instruction: note.md}}\n")
    report = project / "output/report/note.md"

    def trainer(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", "from trainer.cli.main import main; main()", *arguments],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert trainer("words", "--json") == (0, "{}\n")
    report.parent.mkdir(parents=True)
    report.write_text("# A note\n\nThree words more.\n")

    code, output = trainer("words", "--json")
    assert (code, json.loads(output)) == (0, {"note": 6})
    assert "Count the words of every report that is built." in trainer("words", "--help")[1]
    assert "Count the words of the reports." in trainer("--help")[1]
    assert 'did you mean "words"?' in trainer("wrods")[1]
