"""Keys: where they may come from."""

from __future__ import annotations

import importlib
import importlib.util
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.core.errors import ConfigError, Where
from trainer.core.files import read_text
from trainer.core.secrets import Secret, keep_secret

_SERVICE = "trainer"
"""What a keyring's entries are called by: `keyring set trainer OPENAI_API_KEY`."""


def find_key(name: str, *, environ: Mapping[str, str], folder: Path | None = None, keyring: bool = True) -> Secret:
    """The key called `name` from the environment, else a file `folder/name` only its owner reads, else the keyring.

    Raises ConfigError where the file may be read by others, and where the keyring is locked or broken.
    """
    if value := environ.get(name):
        return keep_secret(value)
    if folder is not None and (folder / name).is_file():
        return keep_secret(_private_text(folder / name))
    return keep_secret(_from_keyring(name) if keyring else None)


def where_to_keep(name: str, folder: Path) -> str:
    """How to make the key called `name` known, in words."""
    keyring = f"python -m keyring set {_SERVICE} {name}"
    if importlib.util.find_spec("keyring") is None:
        keyring = f'pip install "trainer-core[keyring]" and {keyring}'
    return f"export {name}=…, or keep it in {folder / name} with mode 600, or in the system's keyring: {keyring}"


def _private_text(path: Path) -> str:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"the key file may be read by others (mode {mode:04o})",
            where=Where(str(path)),
            hint=f"run: chmod 600 {path}",
        )
    return read_text(path).strip()


def _from_keyring(name: str) -> str | None:
    """The key that the system's keyring holds for `trainer`; None where there is no keyring or no such key in it."""
    try:
        keyring: Any = importlib.import_module("keyring")
        errors: Any = importlib.import_module("keyring.errors")
    except ModuleNotFoundError as error:
        if error.name != "keyring":
            raise
        return None
    try:
        password: str | None = keyring.get_password(_SERVICE, name)
    except errors.NoKeyringError:
        return None
    except Exception as error:  # a backend is somebody else's code and speaks to a system service
        raise ConfigError(
            f"the keyring cannot be read for {name}: {type(error).__name__}: {error}".rstrip(": "),
            hint=f"unlock it (python -m keyring get {_SERVICE} {name} asks), or export {name}=…",
        ) from error
    return password
