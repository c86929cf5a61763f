"""Cold start: `trainer --help` against `llm --help`, which is installed in an environment of its own.

    python -m benchmarks.cli_start [runs]

Bounds: help and version <= 0.13 of llm's; a fully cached run <= 0.1 of `import litellm`, in CPU and on the wall.
Each command runs in turn within a round, and the medians are compared. Bytecode is written for all, ours and theirs:
without it, each start compiles every file anew, which measures the compiler.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from servers.openai import openai_server

TRAINER = Path(sys.executable).with_name("trainer")
RIVAL = ROOT / ".venv-llm"


def main(runs: int = 11) -> None:
    """Print the median CPU time of each command and its ratio."""
    llm = rival()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(ROOT / "src" / "trainer" / "examples" / "blank", project)
        render = [str(TRAINER), "render", "overview", "-p", "NAME=Sample"]
        subprocess.run(render, cwd=project, capture_output=True, check=True)
        cached = cached_run(project)
        check = [str(TRAINER), "report", "--check"]
        subprocess.run([str(TRAINER), "report"], cwd=project, capture_output=True, check=True)
        commands: dict[str, list[str]] = {
            "llm --help": [str(llm), "--help"],
            "trainer --help": [str(TRAINER), "--help"],
            "trainer --version": [str(TRAINER), "--version"],
            "trainer report --help": [str(TRAINER), "report", "--help"],
            "trainer render (nothing changed)": render,
            "trainer report --check (unchanged)": check,
            "trainer run (answer cached)": cached,
            "python -c 'import litellm'": [sys.executable, "-c", "import litellm"],
        }
        for command in commands.values():  # so that the bytecode is there, and what is remembered
            run(command, project)
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                spent[name].append(timed(lambda command=command: run(command, project)))
    medians = {
        name: [statistics.median(column) for column in zip(*figures, strict=True)] for name, figures in spent.items()
    }
    llm_help, litellm = medians["llm --help"], medians["python -c 'import litellm'"]
    print(f"{'':36}{'CPU ms':>8}{'of llm':>8}{'of litellm':>12}{'wall ms':>10}{'of llm':>8}{'of litellm':>12}")
    for name, median in medians.items():
        cells = [
            f"{seconds * 1000:{8 + 2 * column}.0f}{seconds / llm_help[column]:8.3f}{seconds / litellm[column]:12.3f}"
            for column, seconds in enumerate(median)
        ]
        print(f"{name:36}{''.join(cells)}")


def cached_run(project: Path) -> list[str]:
    """A run whose answer a server gave once; the server is gone when it is run again."""
    with openai_server() as server:
        sets = {"provider": "openai_compatible", "model": "stub", "api_base": server.url}
        flags = [part for name, value in sets.items() for part in ("--set", f"llm_provider.{name}={value}")]
        command = [str(TRAINER), *flags, "run", "overview", "-p", "NAME=Sample"]
        subprocess.run(command, cwd=project, capture_output=True, check=True)
    return command


def rival() -> Path:
    """The `llm` command in an environment of its own; made the first time."""
    command = RIVAL / "bin" / "llm"
    if not command.exists():
        venv.create(RIVAL, with_pip=True)
        subprocess.run([RIVAL / "bin" / "pip", "install", "--quiet", "llm"], check=True)
    return command


def run(command: list[str], folder: Path) -> None:
    """Run the command to its end, its output thrown away; bytecode is written whatever the caller's shell says."""
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, cwd=folder, env=env, capture_output=True, check=True)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """User and system seconds of the processes that `work` waits for, and the seconds on the wall."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
