"""A process that has loaded trainer once and forks a process for each command the tests run.

Loading is most of what a short command costs, 0.3 to 1.2 s. A fork has arguments, environment, folder, streams, signals
and exit code of its own, as a process that was started has; only its modules are loaded already. What is proved about
the start itself, the interpreter's own variables or kills belongs to processes that are really started.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import trainer

# Read by the interpreter, or by a library while it loads: a fork would not obey them.
_READ_AT_START = (
    "HOME",
    "PYTHON",
    "LC_",
    "LANG",
    "LITELLM",
    "FORCE_COLOR",
    "PY_COLORS",
    "TERMINAL_WIDTH",
    "GITHUB_ACTIONS",
)

# A command in the place of `trainer` for shells: it hands its streams, arguments, folder and signals to a fork.
_STAND_IN = """#!{python} -ISE
import json, os, signal, socket, struct, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect({path!r})
payload = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(connection, [struct.pack("!I", len(payload))], [0, 1, 2])
connection.sendall(payload)
(pid,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(pid, number))
(code,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
os._exit(code if code >= 0 else 128 - code)
"""

_EXAMPLE = Path(__file__).parent.parent.parent
_REPORT = _EXAMPLE / "output" / "report" / "butterfly.md"

_LIBRARIES = (
    *("aiohttp", "babel.dates", "babel.numbers", "dateutil.parser", "httpx", "jinja2", "jsonschema", "pygments"),
    *("rich.progress", "weasyprint"),
    "pandas",  # DuckDB loads it where it is installed
)


class ForkServer:
    """A running server; `run` takes what `subprocess.run` takes, and may be called from many threads."""

    def __init__(self, executable: Path, environment: dict[str, str]) -> None:
        self._executable = executable
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        self._path = str(Path(self._folder.name, "socket"))
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, self._path, executable],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        if self._process.stdout.readline() != b"ready\n":
            raise RuntimeError("the server of forks did not start")
        self.command = Path(self._folder.name, "trainer")
        """A command that runs in a fork, for shells that look for `trainer` on their path."""
        self.command.write_text(_STAND_IN.format(python=sys.executable, path=self._path))
        self.command.chmod(0o755)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        cwd: Path,
        env: dict[str, str],
        stdin: bytes = b"",
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command in a fork and return what it wrote and its exit code."""
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            source.write(stdin)
            source.seek(0)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(timeout)
                connection.connect(self._path)
                payload = json.dumps([[os.fspath(argument) for argument in arguments], os.fspath(cwd), env]).encode()
                socket.send_fds(
                    connection, [struct.pack("!I", len(payload))], [source.fileno(), out.fileno(), err.fileno()]
                )
                connection.sendall(payload)
                (pid,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
                try:
                    (code,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired([self._executable, *arguments], timeout) from None
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess([self._executable, *arguments], code, out.read(), err.read())

    def close(self) -> None:
        """End the server; its time is then counted as the test run's."""
        self._process.communicate()
        self._folder.cleanup()


def obeys(env: dict[str, str]) -> bool:
    """Whether a fork obeys these variables, which a test sets, as a process that is started does."""
    return not any(name.startswith(_READ_AT_START) for name in env)


def _serve(path: str, executable: str) -> NoReturn:
    _load()
    threads = Path("/proc/self/task")
    if threading.active_count() > 1 or (threads.exists() and len(list(threads.iterdir())) > 1):
        raise RuntimeError("a module started a thread while it was loaded: a fork of this process could hang")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    ended, wakeup = os.pipe()
    for descriptor in (ended, wakeup):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup)
    running: dict[int, socket.socket] = {}
    os.write(1, b"ready\n")
    while True:
        ready, _, _ = select.select([listener, ended, 0], [], [])
        if 0 in ready:
            os._exit(0)
        if ended in ready:
            os.read(ended, 4096)
            while running and (reaped := os.waitpid(-1, os.WNOHANG))[0]:
                with running.pop(reaped[0]) as connection:
                    _tell(connection, os.waitstatus_to_exitcode(reaped[1]))
        if listener in ready:
            connection, _ = listener.accept()
            pid = _fork(connection, executable)
            running[pid] = connection
            _tell(connection, pid)


def _load() -> None:
    """Load all of trainer and what most commands use of libraries, but for DuckDB, which starts a thread at once."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sys.modules["duckdb"] = None  # type: ignore[assignment]
    for module in (*_LIBRARIES, *(part.name for part in pkgutil.walk_packages(trainer.__path__, "trainer."))):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    del sys.modules["duckdb"]
    # Patterns and tables of languages, half of what the checks of a short report cost, are compiled when first used.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        arguments = ["--project", str(_EXAMPLE), "--set", "mart.enabled=false", "checks", str(_REPORT)]
        importlib.import_module("trainer.cli.main").run(arguments)  # recording would start a thread
    gc.freeze()


def _tell(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody may wait for it any more
        connection.sendall(struct.pack("!i", number))


def _fork(connection: socket.socket, executable: str) -> int:
    header, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    payload = connection.recv(*struct.unpack("!I", header), socket.MSG_WAITALL)
    pid = os.fork()
    if not pid:
        arguments, folder, environment = json.loads(payload)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.closerange(3, max(descriptors) + 64)
        _become([executable, *arguments], folder, environment)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _become(arguments: list[str], folder: str, environment: dict[str, str]) -> NoReturn:
    """Be the process that a shell would have started, and end as Python ends, but for taking all modules apart."""
    main = importlib.import_module("trainer.cli.main").main
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = arguments

    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    code: object = 0
    try:
        main()
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else bool(code))


if __name__ == "__main__":
    _serve(*sys.argv[1:])
