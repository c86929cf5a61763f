"""Every error a user can meet.

    TrainerError            1    the job failed
    |-- UsageError          2    wrong usage, config or template; nothing was started
    |   |-- ConfigError          config.yaml, an environment override or --set
    |   |-- InstructionError     an instruction, its front matter, parameters or contexts
    |   `-- MissingExtra         an optional dependency is not installed
    |-- SourceError         1    a source did not answer, or answered nonsense
    |-- StoreError          1    the store cannot be opened, read or written
    |-- ProviderError       1    a model did not answer, or refused
    |-- ConversionError     1    a document cannot be read or written
    |-- EditedError         1    a person edited an output, which is not overwritten
    |-- StaleError          3    an output is stale or missing
    |-- RefusedError        4    the security policy refused
    |-- BudgetError         5    the budget would be exceeded
    `-- PartialError        6    some items failed, the rest is kept

A message says what is wrong; `where` says where; `hint` says what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

FailureKind = Literal[
    "rate_limited",  # 429, or the provider's own words for it
    "timed_out",  # no answer in time
    "unreachable",  # refused, reset, name not found, TLS
    "server",  # 5xx, broken body
    "auth",  # 401, 403: never falls through to another model
    "not_found",  # no such model or endpoint
    "bad_request",  # 400, 413, 422
    "context_too_long",  # the prompt exceeds the model's window
    "content_refused",  # the provider's content filter
    "payment",  # out of credit
    "empty",  # an answer without content
    "cut",  # an answer that ended at its token limit
    "missing_recording",  # replay has no such completion
]


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file."""

    path: str
    """As the user would type it, relative to the project's root where it lies inside."""
    line: int | None = None
    """Counted from 1."""
    column: int | None = None
    """Counted from 1."""

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One of the things that are wrong."""

    message: str
    where: Where | None = None
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class TrainerError(Exception):
    """The base of all errors meant for a user's eyes; `str()` is the whole message."""

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        where: Where | None = None,
        hint: str | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        self.problems = tuple(problems) or (Problem(message, where, hint),)
        self.message = message
        self.where = where
        self.hint = hint
        self.answer: object | None = None
        """The `core.values.CompletionResult` of what was answered and paid for before: cut, refused, empty or unfit."""
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(TrainerError):
    """Wrong usage, config or template: nothing was started."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting is unknown, of the wrong type or contradicts another."""


class InstructionError(UsageError):
    """An instruction cannot be loaded or rendered; holds all its problems at once."""


class MissingExtra(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed", hint=f'run: pip install "trainer-core[{extra}]"')
        self.extra = extra


class SourceError(TrainerError):
    """A source did not answer, or its answer could not be used."""


class StoreError(TrainerError):
    """The store cannot be opened, read or written."""


class ProviderError(TrainerError):
    """A model did not answer, or refused; `kind` decides on retry and fallback."""

    def __init__(
        self,
        message: str,
        *,
        kind: FailureKind,
        status: int | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after
        """Seconds the provider asked us to wait."""
        self.attempts: tuple[object, ...] = ()
        """Every `core.values.Attempt` that was made, in order, once nothing more is tried."""


class ConversionError(TrainerError):
    """A document cannot be read or written."""


class EditedError(TrainerError):
    """A person edited an output; it is not overwritten unless that is asked for."""


class StaleError(TrainerError):
    """An output is stale or missing (`report --check`)."""

    exit_code = 3


class RefusedError(TrainerError):
    """The security policy, or a report's own checks set to `block`, refused."""

    exit_code = 4


class BudgetError(TrainerError):
    """The next call would exceed a budget; nothing was sent for it."""

    exit_code = 5


class PartialError(TrainerError):
    """Some items failed and the rest is kept; a rerun does only the failed ones."""

    exit_code = 6


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name most like `name`, if any is like it at all."""
    names = list(names)
    folded = {candidate.casefold(): candidate for candidate in reversed(names)}
    matches = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def unknown(what: str, name: str, names: Iterable[str]) -> tuple[str, str]:
    """Message and hint for a name that is not known: the nearest one, or the list of all."""
    names = sorted(names)
    close = nearest(name, names)
    hint = f'did you mean "{close}"?' if close else f"known: {', '.join(names) or 'none'}"
    return f'unknown {what} "{name}"', hint
