"""Personal data of a project: treated before it is stored, recorded or sent, and put back with the key."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from trainer.actions.wiring import state_folder
from trainer.core.errors import ConfigError, UsageError
from trainer.core.project import Project
from trainer.core.values import Json
from trainer.providers import find_key, where_to_keep
from trainer.security import restore_personal, treat_personal_json

PERSONAL_KEY = "TRAINER_PERSONAL_KEY"  # the name of a variable, not its value
"""The variable, file in the user's state folder, or entry of the keyring that holds the key."""


def personal_treatment(project: Project) -> Callable[[Json], Json] | None:
    """What personal data in a value becomes before it is kept or sent; None where the settings leave it as it is.

    Raises ConfigError where the treatment needs a key and none is known.
    """
    section = project.settings.prompt_security.personal
    if section.treatment is None:
        return None
    key = personal_key() if section.treatment != "mask" else b""
    return functools.partial(
        treat_personal_json, treatment=section.treatment, key=key, kinds=tuple(section.kinds) or None
    )


def personal_key() -> bytes:
    """The key that hashes and tokens of personal data are made with; raises ConfigError where none is known."""
    key = find_key(PERSONAL_KEY, environ=os.environ, folder=state_folder())
    if not key:
        hint = where_to_keep(PERSONAL_KEY, state_folder())
        raise ConfigError("hashing and tokens of personal data need a key", hint=hint)
    return key.reveal().encode()


def restore_tokens(text: str) -> str:
    """The text with every token replaced by what it stands for; raises UsageError where the key is another one."""
    try:
        return restore_personal(text, key=personal_key())
    except ValueError as error:
        raise UsageError(str(error), hint=f"set {PERSONAL_KEY} to the key the token was made with") from None
