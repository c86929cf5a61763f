"""Keys: where they may come from, and how they are kept out of everything else."""

from __future__ import annotations

import importlib
import importlib.util
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trainer.core.errors import ConfigError, Where
from trainer.core.files import read_text
from trainer.core.values import Json

_LOOKS_SECRET = re.compile(
    r"\b(?:sk|pk|rk)-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b|\bhf_[A-Za-z0-9]{20,}"
    r"|(?i:bearer)\s+(?=[A-Za-z._~+/-]*\d)[A-Za-z0-9._~+/-]{12,}=*"
    r"|(?i:(?<=api_key=)|(?<=api-key=)|(?<=apikey=)|(?<=access_token=)|(?<=[?&]key=))[^&\s\"'\\]{8,}"
)
MASK = "********"
_SERVICE = "trainer"
"""What a keyring's entries are called by: `keyring set trainer OPENAI_API_KEY`."""


class Secret:
    """A key that shows itself to nobody who does not ask for `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        self._text = text or ""

    def __repr__(self) -> str:
        return f"Secret({MASK!r})" if self._text else "Secret(None)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")

    def __bool__(self) -> bool:
        return bool(self._text)

    def reveal(self) -> str:
        """The key itself."""
        return self._text


def find_key(name: str, *, environ: Mapping[str, str], folder: Path | None = None, keyring: bool = True) -> Secret:
    """The key called `name` from the environment, else a file `folder/name` only its owner reads, else the keyring.

    Raises ConfigError where the file may be read by others, and where the keyring is locked or broken.
    """
    if value := environ.get(name):
        return Secret(value)
    if folder is not None and (folder / name).is_file():
        return Secret(_private_text(folder / name))
    return Secret(_from_keyring(name) if keyring else None)


def where_to_keep(name: str, folder: Path) -> str:
    """How to make the key called `name` known, in words."""
    keyring = f"python -m keyring set {_SERVICE} {name}"
    if importlib.util.find_spec("keyring") is None:
        keyring = f'pip install "trainer-core[keyring]" and {keyring}'
    return f"export {name}=…, or keep it in {folder / name} with mode 600, or in the system's keyring: {keyring}"


def scrub(text: str, secrets: Iterable[Secret] = ()) -> str:
    """The text without the given secrets, and without anything that looks like a key."""
    for secret in secrets:
        if len(secret.reveal()) >= 4:
            text = text.replace(secret.reveal(), MASK)
    return _LOOKS_SECRET.sub(MASK, text)


def scrub_json(value: Json, secrets: Iterable[Secret] = ()) -> Json:
    """The value with every string scrubbed."""
    secrets = tuple(secrets)
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, Mapping):
        return {scrub(str(key), secrets): scrub_json(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_json(item, secrets) for item in value]
    return value


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
        found: str | None = keyring.get_password(_SERVICE, name)
    except errors.NoKeyringError:
        return None
    except Exception as error:  # a backend is somebody else's code and speaks to a system service
        raise ConfigError(
            f"the keyring cannot be read for {name}: {type(error).__name__}: {error}".rstrip(": "),
            hint=f"unlock it (python -m keyring get {_SERVICE} {name} asks), or export {name}=…",
        ) from error
    return found
