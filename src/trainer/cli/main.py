"""The door: global options, the command, and one handler for every error."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence

import click

from trainer import __version__
from trainer.cli.commands import LazyGroup
from trainer.cli.session import Session
from trainer.core.errors import TrainerError


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="trainer %(version)s")
@click.option("--project", metavar="DIR", help="The project's folder, instead of the nearest one upwards.")
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Override a setting of config.yaml.")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def trainer(
    ctx: click.Context, project: str | None, overrides: tuple[str, ...], verbose: bool, quiet: bool, debug: bool
) -> None:
    """Build reports a language model helps to write.

    They are rebuilt only when an input changed, reproducible, priced beforehand, and every figure is traceable to
    stored data.

    Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 stale (report --check), 4 refused by policy,
    5 over budget, 6 partly done, 130 interrupted.
    """
    ctx.obj = Session(
        folder=project, overrides=overrides, verbose=verbose, quiet=quiet, debug=debug, environ=dict(os.environ)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code of its outcome."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    sys.exit(run(arguments, debug="--debug" in arguments))


def run(arguments: Sequence[str], *, debug: bool = False) -> int:
    """The exit code of the command line `arguments`; every error is told on stderr as one message."""
    try:
        outcome = trainer.main(args=list(arguments), prog_name="trainer", standalone_mode=False)
        sys.stdout.flush()
    except TrainerError as error:
        return _tell(str(error), error.exit_code, debug=debug)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _tell_usage(error, debug=debug)
    except (KeyboardInterrupt, click.Abort):
        return _tell("interrupted; what was finished is kept", 130, debug=debug)
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
    from trainer.cli.show import write_error
    from trainer.security import mask_secrets

    if debug:
        import traceback

        sys.stderr.write(mask_secrets(traceback.format_exc()))
    write_error(mask_secrets(message))
    return code


def _tell_usage(error: click.ClickException, *, debug: bool) -> int:
    context = getattr(error, "ctx", None)
    advice = f"\n  see: {context.command_path} --help" if context else ""
    return _tell(f"{error.format_message()}{advice}", 2, debug=debug)


def _leave_pipe() -> int:
    """End quietly when the reader of our output has gone, as `head` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
