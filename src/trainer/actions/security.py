"""Scan files, a stream or the project's own tree for what an attacker would hide in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from trainer.actions.screening import screen_policy
from trainer.core.errors import UsageError, Where, unknown
from trainer.core.project import Project, find_root, open_project
from trainer.security import THRESHOLDS, DetectionResult, Level, ScreenPolicy, judge_answer, screen, screen_completion

_BINARY = 8_192


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in one file."""

    file: str
    result: DetectionResult

    def as_json(self) -> dict[str, object]:
        """The object that scripts read."""
        return {"file": self.file, **self.result.as_json()}


def scan_policy(
    start: Path,
    *,
    folder: str | None,
    environ: Mapping[str, str],
    overrides: tuple[str, ...] = (),
    level: str | None = None,
) -> ScreenPolicy:
    """The policy of the project around `start`, with `level` before its own; moderate where there is no project."""
    if level not in (None, *THRESHOLDS):
        message, hint = unknown("level", str(level), THRESHOLDS)
        raise UsageError(message, hint=hint)
    chosen: Level | None = level
    project = _project_or_none(start, folder, environ, overrides)
    if project is None:
        return ScreenPolicy(chosen or "moderate")
    policy = screen_policy(project)
    return replace(policy, level=chosen or policy.level)


def scan_text(name: str, text: str, *, policy: ScreenPolicy) -> Scan:
    """What was found in a text."""
    result = screen(
        text,
        level=policy.level,
        allow=policy.allow,
        block=policy.block,
        name=name,
        classify=policy.classify,
        rules=policy.rules,
    )
    return Scan(name, result)


def scan_answer(name: str, text: str, *, policy: ScreenPolicy) -> Scan:
    """What was found in a report that a model wrote: as unsafe as the policy's refusal of an answer."""
    findings = screen_completion(text, allowed_hosts=policy.hosts, shown=name).findings
    findings, refused = judge_answer(
        [finding for finding in findings if finding.severity != "note"], policy, instruction=""
    )
    risk = 1.0 if refused else 0.5 if any(finding.severity == "error" for finding in findings) else 0.0
    hints = dict.fromkeys(finding.hint for finding in findings)
    flags = sorted({finding.kind for finding in findings})
    return Scan(name, DetectionResult(not refused, max(risk, 1 - risk), flags, risk, [*hints], findings))


def scan_files(paths: Iterable[Path], *, policy: ScreenPolicy, shown_from: Path) -> Iterator[Scan]:
    """What was found in each text file, folders looked through; a file that is no text is passed over."""
    for path in _files(paths):
        text = _text(path)
        if text is not None:
            shown = path.relative_to(shown_from).as_posix() if path.is_relative_to(shown_from) else str(path)
            yield scan_text(shown, text, policy=policy)


def scan_tree(project: Project, *, policy: ScreenPolicy) -> Iterator[Scan]:
    """What was found in all that reaches a prompt, its settings and information folder, and in the reports written."""
    yield from scan_files(
        [project.root / "config.yaml", *_files([project.information])], policy=policy, shown_from=project.root
    )
    for path in _files([project.output] if project.output.is_dir() else []):
        if path.suffix == ".md" and (text := _text(path)) is not None:
            yield scan_answer(project.shown(path), text, policy=policy)


def _project_or_none(
    start: Path, folder: str | None, environ: Mapping[str, str], overrides: tuple[str, ...]
) -> Project | None:
    try:
        find_root(start, explicit=folder, environ=environ)
    except UsageError:
        if folder:
            raise
        return None
    return open_project(start, explicit=folder, environ=environ, overrides=overrides)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(inner for inner in path.rglob("*") if inner.is_file() and not _is_hidden(inner, path))
        elif path.exists():
            yield path
        else:
            raise UsageError("there is no such file", where=Where(str(path)))


def _is_hidden(path: Path, above: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(above).parts)


def _text(path: Path) -> str | None:
    content = path.read_bytes()
    return None if b"\0" in content[:_BINARY] else content.decode("utf-8", "replace")
