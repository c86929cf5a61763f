"""Cold start: `trainer --help` against `llm --help`, which is installed in an environment of its own.

    python -m benchmarks.cli_start [runs]

Bounds: help and version <= 0.13 of llm's; a fully cached run <= 0.1 of `import litellm`.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
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
        commands: dict[str, list[str]] = {
            "llm --help": [str(llm), "--help"],
            "trainer --help": [str(TRAINER), "--help"],
            "trainer --version": [str(TRAINER), "--version"],
            "trainer report --help": [str(TRAINER), "report", "--help"],
            "trainer render (nothing changed)": render,
            "trainer run (answer cached)": cached,
            "python -c 'import litellm'": [sys.executable, "-c", "import litellm"],
        }
        seconds = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                seconds[name].append(cpu(lambda command=command: run(command, project)))
    base = statistics.median(seconds["llm --help"])
    for name, found in seconds.items():
        median = statistics.median(found)
        print(f"{name:36} {median * 1000:8.0f} ms CPU   {median / base:6.3f} of llm --help")
    cached_median = statistics.median(seconds["trainer run (answer cached)"])
    heavy = statistics.median(seconds["python -c 'import litellm'"])
    print(f"a cached run is {cached_median / heavy:.3f} of importing LiteLLM")


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
    """Run the command to its end, its output thrown away."""
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    subprocess.run(command, cwd=folder, env=env, capture_output=True, check=True)


def cpu(work: Callable[[], None]) -> float:
    """User and system seconds of the processes that `work` waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
