"""Completions kept by the digest of their request: one JSON file each, whole or not there."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from pathlib import Path

from trainer.core.appendlog import is_same_file, try_lock
from trainer.core.digest import digest, pick, pretty
from trainer.core.files import write_atomic
from trainer.core.secrets import mask_json
from trainer.core.values import Attempt, CompletionResult, Json

_FORMAT = 1


class CompletionCache:
    """The folder of kept completions, usually `.trainer/cache/completions`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the completion of the request with this key is kept."""
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> CompletionResult | None:
        """The kept completion, marked `cached`; None where there is none or the file is torn."""
        result = self.peek(key)
        if result is not None:
            with contextlib.suppress(OSError):
                os.utime(self.path(key))  # the longest unused is removed first
        return result

    def peek(self, key: str) -> CompletionResult | None:
        """As `get`, for who only looks: what is the longest unused stays so."""
        try:
            entry = json.loads(self.path(key).read_bytes())
        except (OSError, ValueError):
            return None
        if not _is_whole(entry, key):
            return None
        return dataclasses.replace(load_result(entry["result"]), origin="cached")

    def has(self, key: str) -> bool:
        """Whether something is kept under this key; it is not read."""
        return self.path(key).exists()

    def claim(self, key: str) -> CallClaim | None:
        """The right to ask for this key alone, on this machine; None while another call or process has it.

        Where the folder cannot be written nothing is kept, so nobody needs to wait: the claim is granted.
        """
        path = self.path(key).with_suffix(".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            return CallClaim(None, path)
        if try_lock(handle) and is_same_file(handle, path):
            return CallClaim(handle, path)
        os.close(handle)
        return None

    def put(self, key: str, result: CompletionResult) -> None:
        """Keep a completion; it is on the disk when this returns."""
        dumped = mask_json(dump_result(result), shapes=False)
        write_atomic(
            self.path(key), pretty({"format": _FORMAT, "key": key, "result": dumped, "digest": digest(dumped)})
        )


@dataclasses.dataclass(frozen=True, slots=True)
class CallClaim:
    """A held right; it ends with the block, or with the process."""

    handle: int | None
    path: Path

    def __enter__(self) -> None:
        """Hold it."""

    def __exit__(self, *_: object) -> None:
        if self.handle is not None:
            self.path.unlink(missing_ok=True)
            os.close(self.handle)


def dump_result(result: CompletionResult) -> dict[str, Json]:
    """The completion as plain JSON."""
    return {**pick(result), "attempts": [pick(attempt) for attempt in result.attempts]}


def load_result(entry: dict[str, Json]) -> CompletionResult:
    """The completion that `dump_result` wrote."""
    names = {field.name for field in dataclasses.fields(CompletionResult)}
    fields = {name: value for name, value in entry.items() if name in names}
    fields["attempts"] = tuple(Attempt(**attempt) for attempt in entry.get("attempts", ()))
    return CompletionResult(**fields)


def _is_whole(entry: Json, key: str) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("format") == _FORMAT
        and entry.get("key") == key
        and isinstance(entry.get("result"), dict)
        and entry.get("digest") == digest(entry["result"])
    )
