"""How a command on many items ends: done, partly done, failed or refused, with the exit code of each."""

from __future__ import annotations

from collections.abc import Mapping

from trainer.core.errors import PartialError, Problem, TrainerError


def require_done(
    errors: Mapping[str, TrainerError],
    count: int,
    items: str,
    *,
    rest: str = "the rest is kept; a rerun does only these",
    is_reported: bool = False,
) -> None:
    """Raise what the command ends with where some of its `count` items failed; `errors` are theirs by name.

    Its own error where there was but one item; PartialError where others were done; else one error with the exit code
    that all have in common. `is_reported` says that each was shown already, so that only the summary is left to say.
    """
    if not errors:
        return
    if count == 1 and not is_reported:
        raise next(iter(errors.values()))
    problems = [] if is_reported else [Problem(_named(name, str(error))) for name, error in errors.items()]
    message = f"{len(errors)} of {count} {items} failed"
    if len(errors) < count:
        raise PartialError(message, problems=[*problems, Problem(message, hint=rest)])
    failure = TrainerError(message, problems=[*problems, Problem(message)])
    codes = {error.exit_code for error in errors.values()}
    failure.exit_code = codes.pop() if len(codes) == 1 else TrainerError.exit_code
    raise failure


def _named(name: str, message: str) -> str:
    return message if message.startswith(name) else f"{name}: {message}"
