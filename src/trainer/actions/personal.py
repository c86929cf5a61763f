"""Personal data of a project: treated before it is stored, recorded or sent, and put back with the key."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from trainer.core.errors import ConfigError, UsageError
from trainer.core.values import Json
from trainer.providers import find_key, where_to_keep
from trainer.security import Treatment, restore_personal, treat_personal_json

PERSONAL_KEY = "TRAINER_PERSONAL_KEY"  # the name of a variable, not its value
"""The variable, file in the user's state folder, or entry of the keyring that holds the key."""


def treatment_by(treatment: Treatment, kinds: Sequence[str], *, folder: Path) -> Callable[[Json], Json]:
    """What treats the personal data of a value; `folder` is the user's own, where the key may lie.

    Raises ConfigError where the treatment needs a key and none is known.
    """
    key = personal_key(folder) if treatment != "mask" else b""
    return functools.partial(treat_personal_json, treatment=treatment, key=key, kinds=tuple(kinds) or None)


def personal_key(folder: Path) -> bytes:
    """The key that hashes and tokens of personal data are made with; raises ConfigError where none is known."""
    key = find_key(PERSONAL_KEY, environ=os.environ, folder=folder)
    if not key:
        hint = where_to_keep(PERSONAL_KEY, folder)
        raise ConfigError("hashing and tokens of personal data need a key", hint=hint)
    return key.reveal().encode()


def restore_tokens(text: str, *, folder: Path) -> str:
    """The text with every token replaced by what it stands for; raises UsageError where the key is another one."""
    try:
        return restore_personal(text, key=personal_key(folder))
    except ValueError as error:
        raise UsageError(str(error), hint=f"set {PERSONAL_KEY} to the key the token was made with") from None
