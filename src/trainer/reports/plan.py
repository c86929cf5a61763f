"""Which reports are stale, and because of which ingredient: digests compared, nothing sent, nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from trainer.core.digest import digest, digest_bytes
from trainer.core.formats import FORMATS, find_output_format
from trainer.core.secrets import mask_json
from trainer.reports.provenance import SCHEMA, Provenance
from trainer.reports.spec import ReportSpec


@dataclass(frozen=True, slots=True)
class Ingredients:
    """All that a report depends on, each by digest."""

    instruction: str
    params: Mapping[str, Any]
    contexts: Mapping[str, str]
    """Digest by path."""
    data: Mapping[str, str | None]
    """Digest by the name of its block; None where it is not known without fetching, so that it cannot be stale."""
    model: Mapping[str, Any]
    checks: Mapping[str, Any]
    theme: str
    formats: tuple[str, ...]
    title: str | None
    program: Mapping[str, Any]
    """Versions of what shapes the output, where a change of them changes it."""
    accepted: str = ""
    """The digest of what people accepted of it; empty where they accepted nothing."""

    def recorded(self, data: Mapping[str, str]) -> dict[str, Any]:
        """As the provenance keeps them, once the data is at hand."""
        return {
            "instruction": self.instruction,
            "params": dict(self.params),
            "contexts": dict(self.contexts),
            "data": dict(data),
            "model": dict(self.model),
            "checks": dict(self.checks),
            "theme": self.theme,
            "formats": list(self.formats),
            "title": self.title,
            "program": dict(self.program),
            **({"accepted": self.accepted} if self.accepted else {}),
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a report is stale."""

    ingredient: str
    """instruction, params, contexts, data, model, checks, theme, formats, title, program, accepted, output, missing."""
    detail: str
    path: str = ""
    """The file it is about, where it is about one."""

    def __str__(self) -> str:
        return f"{self.ingredient}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about one report."""

    spec: ReportSpec
    reasons: tuple[Reason, ...] = field(default=())

    @property
    def stale(self) -> bool:
        """Whether it must be built."""
        return bool(self.reasons)


def output_paths(output: Path, spec: ReportSpec) -> dict[str, Path]:
    """Where each format of a report is written, Markdown always among them."""
    formats = [find_output_format(name) for name in dict.fromkeys(("markdown", *spec.formats))]
    return {item.name: _folder(output, item.output_folder) / f"{spec.name}{item.suffix}" for item in formats}


@lru_cache(maxsize=32)
def _folder(output: Path, name: str) -> Path:
    """Joined once for all of thousands of reports, whose check is mostly paths."""
    return output / name


def plan_report(
    spec: ReportSpec,
    *,
    now: Ingredients,
    recorded: Provenance | None,
    root: Path,
    output: Path,
    formats: tuple[str, ...] | None = None,
    offline: bool = False,
) -> Plan:
    """The plan for one report: stale with reasons, or up to date. Reads the outputs, writes nothing.

    `formats` are those that are asked for this time, in place of the report's own. `offline`, data that was out of date
    when the report was built is no reason: nobody can ask again.
    """
    if recorded is None or recorded.schema != SCHEMA:
        return Plan(spec, (Reason("missing", "it was never built, or its provenance cannot be read"),))
    wanted = spec if formats is None else replace(spec, formats=formats)
    outdated = () if offline else _outdated(recorded)
    return Plan(spec, (*_changed(now, recorded), *outdated, *_damaged(wanted, recorded, root, output)))


def is_as_written(content: bytes, written: str | None) -> bool:
    """Whether a file holds what was written, whatever git made of its line ends."""
    return digest_bytes(content) == written or digest_bytes(content.replace(b"\r\n", b"\n")) == written


def _changed(now: Ingredients, recorded: Provenance) -> Iterator[Reason]:
    before = recorded.ingredients
    if now.instruction != before.get("instruction"):
        yield Reason("instruction", "its file changed")
    for ingredient in ("params", "model", "checks", "program"):
        yield from _differences(ingredient, getattr(now, ingredient), before.get(ingredient, {}))
    yield from _differences("contexts", now.contexts, before.get("contexts", {}), values=False)
    digests = {name: value for name, value in now.data.items() if value is not None}
    unknown = {name: before.get("data", {}).get(name) for name in now.data if now.data[name] is None}
    yield from _differences("data", {**digests, **unknown}, before.get("data", {}), values=False)
    if now.theme != before.get("theme"):
        yield Reason("theme", "template or stylesheet changed")
    # an older release recorded `md`; a format that is gone is no reason to fail
    if list(now.formats) != [_format_names().get(name, name) for name in before.get("formats", ())]:
        yield Reason("formats", f"asked for {', '.join(now.formats)}")
    if now.accepted != before.get("accepted", ""):
        yield Reason("accepted", "what people accepted of it changed")
    if mask_json(now.title, shapes=False) != before.get("title"):
        yield Reason("title", "its title changed")


@cache
def _format_names() -> dict[str, str]:
    return {name: item.name for item in FORMATS.values() for name in item.names}


def _outdated(recorded: Provenance) -> Iterator[Reason]:
    for block in recorded.data:
        if block.stale_since:
            detail = f"{block.name} was out of date ({block.stale_since[:10]}), as its source did not answer"
            yield Reason("data", detail)


def _differences(
    ingredient: str, now: Mapping[str, Any], before: Mapping[str, Any], *, values: bool = True
) -> Iterator[Reason]:
    for name in sorted({*now, *before}):
        if name not in before:
            yield Reason(ingredient, f"{name} is new")
        elif name not in now:
            yield Reason(ingredient, f"{name} is gone")
        elif not _is_same(mask_json(now[name], shapes=False), before[name]):  # as the provenance keeps it
            detail = f"{name} was {before[name]!r}, is {now[name]!r}" if values else f"{name} changed"
            yield Reason(ingredient, detail)


def _is_same(now: Any, before: Any) -> bool:
    """Whether two values are one, in type too; texts and whole numbers, of which there are most, need no digest."""
    if isinstance(now, str | int | None) and type(now) is type(before):
        return bool(now == before)
    return digest(now) == digest(before)


def _damaged(spec: ReportSpec, recorded: Provenance, root: Path, output: Path) -> Iterator[Reason]:
    written = {item.path: item.digest for item in recorded.outputs}
    above = f"{root.as_posix()}/"
    for path in output_paths(output, spec).values():
        shown = path.as_posix().removeprefix(above)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            yield Reason("missing", f"{shown} does not exist", shown)
            continue
        if shown not in written:
            yield Reason("output", f"{shown} was not built with the rest of the report", shown)
        elif not is_as_written(content, written[shown]):
            yield Reason("output", f"{shown} is not what was written: it was edited, or a build was cut short", shown)
