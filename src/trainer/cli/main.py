"""The door: global options, the command, and one handler for every error."""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from trainer import __version__
from trainer.cli.app import application
from trainer.cli.commands import LazyGroup
from trainer.cli.completion import VARIABLE, complete
from trainer.cli.session import Session
from trainer.core.errors import TrainerError, UsageError

INTERRUPTED = 130

app = application(
    cls=LazyGroup,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trainer {__version__}")
        raise typer.Exit


@app.callback()
def trainer(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001  (its callback does the work)
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="DIR", help="The project's folder, instead of the nearest one upwards."),
    ] = None,
    overrides: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Override a setting of config.yaml.",
            default_factory=list,
            show_default=False,
        ),
    ],
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more on stderr.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing on stderr but errors.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Build reports a language model helps to write.

    They are rebuilt only when an input changed, reproducible, priced beforehand, and every figure is traceable to
    stored data.

    Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 stale (report --check), 4 refused by policy,
    5 over budget, 6 partly done, 130 interrupted.
    """
    context.obj = Session(project, tuple(overrides), verbose, quiet, debug, dict(os.environ))


command: Any = get_command(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code of its outcome."""
    # A command makes most of what it needs at its start and keeps it; at Python's 700 a tenth of a short one was spent
    # looking for garbage.
    gc.set_threshold(50_000, 20, 20)
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    if os.environ.get(VARIABLE):
        sys.exit(complete(command))
    code = run(arguments, debug="--debug" in arguments)
    if code == INTERRUPTED:
        _leave()
    sys.exit(code)


def run(arguments: Sequence[str], *, debug: bool = False) -> int:
    """The exit code of the command line `arguments`; every error is told on stderr as one message."""
    began = time.perf_counter()
    try:
        with command.make_context("trainer", list(arguments)) as context:
            outcome = command.invoke(context)
            context.obj.detail(f"{time.perf_counter() - began:.2f} s")
        sys.stdout.flush()
    except TrainerError as error:
        return _tell(str(error), error.exit_code, debug=debug)
    except typer.Exit as error:
        return error.exit_code
    except typer.TyperException as error:
        return _tell_usage(error, debug=debug)
    except (KeyboardInterrupt, typer.Abort):
        return _tell("interrupted; what was finished is kept", INTERRUPTED, debug=debug)
    except BrokenPipeError:
        return _leave_pipe()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _tell(f"{where}{error.strerror or error}", 1, debug=debug)
    except RecursionError:
        return _tell("the input is nested too deeply", 1, debug=debug)
    except Exception as error:
        advice = "this is a fault of trainer: run it again with --debug and report what it prints"
        return _tell(f"{type(error).__name__}: {error}\n  {advice}", 1, debug=debug)
    return outcome if isinstance(outcome, int) else 0


def _tell(message: str, code: int, *, debug: bool) -> int:
    from trainer.cli.show import visible, write_error
    from trainer.core.secrets import mask_secrets

    if debug:
        import traceback

        sys.stderr.write(visible(mask_secrets(traceback.format_exc())))
    write_error(mask_secrets(message))
    return code


def _tell_usage(error: typer.TyperException, *, debug: bool) -> int:
    context = vars(error).get("ctx")  # only the errors of usage have one
    if context is None:
        return _tell(error.format_message(), UsageError.exit_code, debug=debug)
    option, root = vars(error).get("option_name"), context.find_root()
    if context is not root and any(option in parameter.opts for parameter in root.command.params):
        command = context.command_path.removeprefix(root.command_path)
        message = f"{option} stands before the command: {root.command_path} {option}{command}"
    else:
        message = error.format_message()
    return _tell(f"{message}\n  see: {context.command_path} --help", UsageError.exit_code, debug=debug)


def _leave_pipe() -> int:
    """End quietly when the reader of our output has gone, as `head` does: it has what it wanted."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _leave() -> NoReturn:
    """End within a second after an interrupt, whatever a thread is at: Python itself would wait for all of them.

    Files are written whole or not at all, so that a thread may be left anywhere; half a second lets most end by itself.
    Python's taking apart of all modules, half of what is left on a busy machine, is left out.
    """
    end = time.monotonic() + 0.5
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, end - time.monotonic()))
    if all(thread.daemon for thread in threading.enumerate()[1:]):
        atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
