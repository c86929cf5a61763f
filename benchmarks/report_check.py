"""`report --check` and `report` over 1,000 unchanged reports: both must end in 2 s.

python -m benchmarks.report_check [reports]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRAINER = Path(sys.executable).with_name("trainer")


def main(reports: int = 1000) -> None:
    """Print the best of three runs of each command, and what is saved by what a check keeps."""
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder) / "project", reports)
        started = time.perf_counter()
        subprocess.run([TRAINER, "-q", "report"], cwd=project, capture_output=True, check=True)
        print(f"build of {reports} reports in Markdown and HTML: {time.perf_counter() - started:6.1f} s")
        time.sleep(3)  # a file has no stamp while it may change again in the same tick
        for arguments in (["report", "--check"], ["report"]):
            best = min(cpu_seconds([TRAINER, *arguments], project) for _ in range(3))
            print(f"trainer {' '.join(arguments):16} over {reports} unchanged: {best:5.2f} s of CPU")
        check = [TRAINER, "report", "--check"]
        cold = []
        for _ in range(3):
            for name in ("digests.json", "checked.json"):
                (project / ".trainer" / "cache" / name).unlink(missing_ok=True)
            cold.append(cpu_seconds(check, project))
        kept = min(cpu_seconds(check, project) for _ in range(3))
        print(f"what a check kept of files that stayed / each file read: {kept / min(cold):5.2f}")


def cpu_seconds(command: list[str | Path], folder: Path) -> float:
    """What the command takes of the processor, which other work on the machine hardly changes."""
    before = os.times()
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


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
