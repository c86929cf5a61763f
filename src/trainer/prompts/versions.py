"""Versions: every prompt that was rendered, by digest, and what changed from one to another.

A version is a file `<aa>/<digest>.json` that is written once; the same prompt gives the same file.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.core.digest import digest, pick, pretty
from trainer.core.errors import UsageError, unknown
from trainer.core.files import write_atomic
from trainer.core.secrets import mask_known
from trainer.core.values import Json, Prompt

Ingredient = Literal["template", "parameter", "context", "data", "model", "output", "system"]

_SHORT = 12


@dataclass(frozen=True, slots=True)
class Version:
    """A prompt as it was rendered once."""

    id: str
    """The digest of all below."""
    instruction: str
    record: Mapping[str, Json]
    """What it was made of, and its text by sections."""

    @property
    def text(self) -> str:
        """All that was sent."""
        return "".join(section["text"] for section in self.record["sections"])


@dataclass(frozen=True, slots=True)
class Change:
    """One ingredient in which two versions differ."""

    ingredient: Ingredient
    name: str
    """A parameter, a context's path, a data block, a model setting …"""
    before: Json
    """None where it was not there."""
    after: Json
    lines: tuple[str, ...] = ()
    """How its text changed, as a unified diff."""

    def __str__(self) -> str:
        verb = "added" if self.before is None else "removed" if self.after is None else "changed"
        values = "" if verb != "changed" else f": {_shown(self.before)} -> {_shown(self.after)}"
        return f"{self.ingredient} {self.name} {verb}{values}".replace("  ", " ")


def version_of(prompt: Prompt) -> Version:
    """The version a prompt is."""
    record = {
        **pick(prompt, "instruction", "title", "template", "params", "model", "output", "system", "sections"),
        "contexts": [{**pick(context, "path", "digest"), "text": digest(context.text)} for context in prompt.contexts],
        "data": [pick(block, "name", "key", "version", "digest") for block in prompt.data],
    }
    plain = json.loads(mask_known(pretty(record)))
    return Version(digest(plain), prompt.instruction, plain)


def keep_version(prompt: Prompt, *, folder: Path) -> Version:
    """The prompt's version, kept in `folder`; nothing is written where it is there already."""
    version = version_of(prompt)
    write_atomic(folder / version.id[:2] / f"{version.id}.json", pretty(version.record))
    return version


def load_version(name: str, *, folder: Path) -> Version:
    """The kept version whose digest starts with `name`; raises UsageError where there is none or more than one."""
    paths = sorted(folder.glob(f"{name[:2]}*/{name}*.json")) if name.isalnum() else []
    if len(paths) > 1:
        raise UsageError(f'more than one prompt starts with "{name}"', hint=", ".join(path.stem for path in paths))
    if not paths:
        message, hint = unknown("version of a prompt", name, [path.stem[:_SHORT] for path in _files(folder)])
        raise UsageError(message, hint=hint)
    return _read(paths[0])


def list_versions(folder: Path, *, instruction: str | None = None) -> list[Version]:
    """All kept versions, or those of one instruction, the oldest first."""
    versions = [_read(path) for path in sorted(_files(folder), key=lambda path: (path.stat().st_mtime_ns, path.name))]
    return [version for version in versions if instruction in (None, version.instruction)]


def compare(old: Version, new: Version) -> tuple[Change, ...]:
    """What changed from one version to the other, ingredient by ingredient; nothing for equal prompts."""
    before, after = old.record, new.record
    return (
        *_template(before, after),
        *_named("parameter", before["params"], after["params"]),
        *_contexts(before, after),
        *_data(before, after),
        *_named("model", before["model"], after["model"]),
        *_named("output", before["output"], after["output"]),
        *_named("system", {"": before["system"] or None}, {"": after["system"] or None}),
    )


def _files(folder: Path) -> Iterable[Path]:
    return folder.glob("??/*.json")


def _read(path: Path) -> Version:
    record = json.loads(path.read_text("utf-8"))
    return Version(path.stem, record["instruction"], record)


def _template(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    if before["instruction"] != after["instruction"]:
        yield Change("template", "", before["instruction"], after["instruction"], _lines(before, after, "instruction"))
    elif before["template"] != after["template"]:
        name = after["instruction"]
        lines = _lines(before, after, "instruction")
        yield Change("template", name, _brief(before["template"]), _brief(after["template"]), lines)


def _named(ingredient: Ingredient, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Change(ingredient, name, before.get(name), after.get(name))


def _contexts(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    old, new = ({one["path"]: one for one in record["contexts"]} for record in (before, after))
    for path in sorted({*old, *new}):
        was, now = old.get(path), new.get(path)
        if was != now:
            # one file may enter a prompt whole or cut; then only its text tells them apart
            part = "text" if was and now and was["digest"] == now["digest"] else "digest"
            lines = _lines(before, after, "context", path)
            yield Change("context", path, was and _brief(was[part]), now and _brief(now[part]), lines)
    common_old, common_new = ([path for path in paths if path in old and path in new] for paths in (old, new))
    if common_old != common_new:
        yield Change("context", "order", ", ".join(common_old), ", ".join(common_new))


def _data(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    old, new = ({one["name"]: one for one in record["data"]} for record in (before, after))
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        if was is None or now is None or was["digest"] != now["digest"] or was["key"] != now["key"]:
            yield Change("data", name, _source(was), _source(now), _lines(before, after, "data", name))


def _source(block: Mapping[str, Json] | None) -> str | None:
    return f"{block['key']}@{block['version']}" if block else None


def _lines(
    before: Mapping[str, Json], after: Mapping[str, Json], kind: str, name: str | None = None
) -> tuple[str, ...]:
    old, new = (
        [
            line
            for section in record["sections"]
            if section["kind"] == kind and name in (None, section["name"])
            for line in section["text"].splitlines()
        ]
        for record in (before, after)
    )
    return tuple(difflib.unified_diff(old, new, lineterm="", n=1))[2:]


def _brief(value: str) -> str:
    return value[:_SHORT]


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 80 else text[:79] + "…"
