"""`report --check` and `report` over 1,000 unchanged reports: both must end in 2 s.

python -m benchmarks.report_check [reports]
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRAINER = Path(sys.executable).with_name("trainer")


def main(reports: int = 1000) -> None:
    """Print the seconds of three runs of each command."""
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder) / "project", reports)
        started = time.perf_counter()
        subprocess.run([TRAINER, "-q", "report"], cwd=project, capture_output=True, check=True)
        print(f"build of {reports} reports in Markdown and HTML: {time.perf_counter() - started:6.1f} s")
        for arguments in (["report", "--check"], ["report"]):
            seconds = []
            for _ in range(3):
                started = time.perf_counter()
                subprocess.run([TRAINER, *arguments], cwd=project, capture_output=True, check=True)
                seconds.append(time.perf_counter() - started)
            shown = " ".join(arguments)
            print(
                f"trainer {shown:16} over {reports} unchanged: best {min(seconds):5.2f} s, worst {max(seconds):5.2f} s"
            )


def make(project: Path, reports: int) -> Path:
    """A project of so many reports, each with data of its own."""
    shutil.copytree(ROOT / "src" / "trainer" / "examples" / "blank", project)
    instruction = project / "information" / "instructions" / "overview.md"
    text = instruction.read_text().replace("information/data/figures.json", '"information/data/{NAME}.json"')
    instruction.write_text(text)
    figures = json.loads((project / "information" / "data" / "figures.json").read_text())
    for number in range(reports):
        figures["data"]["employees"] = 100 + number
        (project / "information" / "data" / f"company{number}.json").write_text(json.dumps(figures))
    names = ", ".join(f"company{number}" for number in range(reports))
    matrix = f"    matrix: {{NAME: [{names}]}}\n"
    entry = f"reports:\n  overview-{{NAME}}:\n    instruction: overview.md\n    formats: [md, html]\n{matrix}"
    config = project / "config.yaml"
    config.write_text(config.read_text().partition("reports:")[0] + entry)
    return project


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
