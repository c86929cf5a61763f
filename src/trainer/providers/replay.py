"""Recorded completions: cassettes that can be committed, and a provider that answers from them alone."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from trainer.core.appendlog import AppendLog
from trainer.core.digest import canonical, digest
from trainer.core.errors import ProviderError, UsageError, Where
from trainer.core.files import read_text
from trainer.core.secrets import Secret, mask_json
from trainer.core.values import CompletionResult, Json
from trainer.providers.base import LLMProvider
from trainer.providers.cache import dump_result, load_result
from trainer.providers.prices import FREE
from trainer.providers.request import Request, differences, explain

_NOT_MATCHED = frozenset({"provider"})
"""A recording answers whichever adapter asks."""


class ReplayProvider(LLMProvider):
    """Answers from cassettes: `path` is a `.jsonl` file or a folder of them, else the project's. Opens no socket, ever.

    `secrets` are the keys that were masked in the cassettes, should a prompt hold one.
    """

    provider = "replay"
    asks_model = False
    native_schema = True
    price = FREE

    def __init__(
        self,
        *,
        model: str,
        path: str | os.PathLike[str] | None = None,
        cassettes: str | os.PathLike[str] = "information/cassettes",
        secrets: Sequence[str] = (),
        **settings: Json,
    ) -> None:
        self.model = model
        self._secrets = tuple(Secret(secret) for secret in secrets)
        self.path = Path(path or cassettes)
        self.settings = settings
        self._tape: dict[str, dict[str, Json]] | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is masked in the cassettes."""
        return self._secrets

    async def send(self, request: Request) -> CompletionResult:
        """The recorded answer; raises ProviderError `missing_recording` where there is none."""
        recorded = dataclasses.replace(request, settings=request.sent(self.settings))
        wanted: dict[str, Json] = mask_json(_matched(explain(recorded)), self._secrets)
        entry = self._entries().get(digest(wanted))
        if entry is None:
            raise _missing(wanted, list(self._entries().values()), self.path)
        return dataclasses.replace(load_result(entry["result"]), origin="replayed", attempts=())

    def list_models(self) -> list[str]:
        """The models that have recordings."""
        return sorted({str(entry["request"]["model"]) for entry in self._entries().values()})

    def _entries(self) -> dict[str, dict[str, Json]]:
        if self._tape is None:
            self._tape = {digest(_matched(entry["request"])): entry for entry in load_cassettes(self.path)}
        return self._tape


def record(result: CompletionResult, request: Request, path: Path, *, secrets: Iterable[Secret] = ()) -> None:
    """Add a completion to a cassette, or replace its older recording; secrets are masked in both."""
    entry = mask_json({"request": explain(request), "result": dump_result(_recordable(result))}, secrets)
    matched = _matched(entry["request"])
    log = AppendLog(path)
    with log.locked():
        others = [old for old in load_cassettes(path) if _matched(old["request"]) != matched]
        log.rewrite(sorted([*others, entry], key=canonical))


def load_cassettes(path: Path) -> list[dict[str, Json]]:
    """All recordings in a file, or in the `.jsonl` files of a folder; raises UsageError naming a broken line."""
    files = sorted(path.glob("**/*.jsonl")) if path.is_dir() else [path]
    return [entry for file in files for entry in _load_file(file)]


def _load_file(path: Path) -> list[dict[str, Json]]:
    entries = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            load_result(entry["result"])
            entry["request"]["model"]
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                "not a recorded completion", where=Where(str(path), number), hint="record it again with --record"
            ) from None
        entries.append(entry)
    return entries


def _recordable(result: CompletionResult) -> CompletionResult:
    """The result without what differs from one recording to the next: waits, durations, identities."""
    metadata = {name: value for name, value in result.metadata.items() if name not in ("id", "seconds")}
    return dataclasses.replace(result, attempts=(), origin="fresh", metadata=metadata)


def _matched(ingredients: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in ingredients.items() if name not in _NOT_MATCHED}


def _missing(wanted: Mapping[str, Json], entries: list[dict[str, Json]], path: Path) -> ProviderError:
    hint = "record it: run the same command with --record and a model"
    if not entries:
        return ProviderError(f"there is no recording at all in {path}", kind="missing_recording", hint=hint)
    nearest = min((_matched(entry["request"]) for entry in entries), key=lambda entry: _distance(wanted, entry))
    names = ", ".join(_difference(name, wanted, nearest) for name in differences(wanted, nearest))
    return ProviderError(
        f"no recording in {path} answers this request; the nearest differs in {names}",
        kind="missing_recording",
        hint=hint,
    )


def _distance(wanted: Mapping[str, Json], entry: Mapping[str, Json]) -> float:
    """How far apart two requests are: one for each ingredient, less for texts that are alike."""
    total = 0.0
    for name in differences(wanted, entry):
        one, other = wanted.get(name), entry.get(name)
        if isinstance(one, str) and isinstance(other, str):
            matcher = SequenceMatcher(None, one[:2000], other[:2000], autojunk=False)
            total += 1 - matcher.quick_ratio()
        else:
            total += 1
    return total


def _difference(name: str, wanted: Mapping[str, Json], entry: Mapping[str, Json]) -> str:
    """The name of an ingredient, and where two texts part or what two values are."""
    group, _, key = name.partition(".")
    one, other = wanted.get(group), entry.get(group)
    if key:
        one, other = (one or {}).get(key), (other or {}).get(key)
    if isinstance(one, str) and isinstance(other, str) and name.startswith("message"):
        shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
        line = one.count("\n", 0, shared) + 1
        return f"{name} from line {line}: {_shown(one[shared:])} instead of {_shown(other[shared:])}"
    return f"{name}: {_shown(one)} instead of {_shown(other)}"


def _shown(value: Json) -> str:
    text = canonical(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
