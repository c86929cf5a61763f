"""What all tests share: no connection leaves this machine, and a way to run the real command."""

import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.forks import ForkServer, obeys
from trainer.core.secrets import forget_secrets

ROOT = Path(__file__).parent.parent
BLOCKED = Path(__file__).parent / "servers" / "blocked"
TRAINER = Path(sys.executable).with_name("trainer")

runpy.run_path(str(BLOCKED / "sitecustomize.py"))

# A shell makes what it starts in the background deaf to interrupts, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TRAINER_") and not name.startswith("TRAINER_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _forgotten_secrets() -> Iterator[None]:
    """No test hides the secrets of another: one process is one user's everywhere else."""
    yield
    forget_secrets()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a trainer process: nothing inherited but what it needs, and no way out."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    state = str(tmp_path_factory.mktemp("state"))
    return {**kept, "PYTHONPATH": str(BLOCKED), "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": state}


@pytest.fixture(scope="session")
def fork_server(environment: dict[str, str]) -> Iterator[ForkServer]:
    """A process that has loaded trainer and forks one for each command."""
    server = ForkServer(TRAINER, environment)
    yield server
    server.close()


@pytest.fixture
def forked(fork_server: ForkServer) -> Path:
    """A command `trainer` for shells, which starts in a tenth of the time of the real one and does the same."""
    return fork_server.command


@pytest.fixture
def run(environment: dict[str, str], fork_server: ForkServer) -> Run:
    """Run the command in a process of its own: `run(folder, "report", "--check", env={}, stdin="")`."""

    def call(
        folder: Path, *arguments: str, env: dict[str, str] | None = None, stdin: str | bytes = ""
    ) -> subprocess.CompletedProcess[str]:
        sent = stdin.encode() if isinstance(stdin, str) else stdin
        variables = {**environment, **(env or {})}
        if obeys(env or {}):
            done = fork_server.run(arguments, cwd=folder, env=variables, stdin=sent)
        else:
            done = subprocess.run(
                [TRAINER, *arguments],
                cwd=folder,
                env=variables,
                input=sent,
                capture_output=True,
                timeout=120,
                check=False,
            )
        decoded = (done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        return subprocess.CompletedProcess(done.args, done.returncode, *decoded)

    return call


def copy_example(folder: Path) -> Path:
    """Copy the example project, with its committed output, into a folder `example` below `folder`."""
    for part in ("information", "output"):
        shutil.copytree(ROOT / part, folder / "example" / part)
    return Path(shutil.copy(ROOT / "config.yaml", folder / "example")).parent


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example project, with its committed output."""
    return copy_example(tmp_path)


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    """A small project: one instruction, one context, one file of data, one report in Markdown and HTML."""
    folder = tmp_path / "blank"
    shutil.copytree(ROOT / "src" / "trainer" / "examples" / "blank", folder)
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("[md, html, pdf]", "[md, html]"))
    return folder


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder with its content, `.trainer` left out."""

    def read(folder: Path) -> dict[str, bytes]:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".trainer" not in path.parts)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read


@pytest.fixture(scope="session")
def trainer() -> Path:
    """The real command."""
    return TRAINER
