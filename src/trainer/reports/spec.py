"""The reports a config asks for: `matrix` spread out, every name fit for a file."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from trainer.core.config.schema import Report
from trainer.core.errors import ConfigError, Problem, UsageError, unknown
from trainer.core.formats import canonical_formats

_NAME = re.compile(r"[^\W_][\w.-]*\Z")
_HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LONGEST = 120
_MOST_BYTES = 240
"""A file system takes names of 255 bytes, of which the suffix needs some."""


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """One report to build."""

    name: str
    """Names its files: `output/report/<name>.md`."""
    entry: str
    """The name under `reports:` in config.yaml that asks for it."""
    instruction: str
    params: Mapping[str, Any] = field(default_factory=dict)
    title: str | None = None
    formats: tuple[str, ...] = ("markdown", "html", "pdf")
    contexts: tuple[str, ...] | None = None
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    css: str | None = None
    tags: tuple[str, ...] = ()
    """Its own; those of its instruction and contexts come to them once these are read."""


def expand_reports(reports: Mapping[str, Report]) -> tuple[ReportSpec, ...]:
    """Every report of a config, one for each combination of a matrix, in the config's order.

    Raises ConfigError for names that are not fit for a file or stand twice, and for a matrix without values.
    """
    specs = [spec for entry, report in reports.items() for spec in _spread(entry, report)]
    problems = [*_barren(reports), *_unfit(specs), *_doubled(specs)]
    if problems:
        raise ConfigError(problems[0].message, problems=problems)
    return tuple(specs)


def select_reports(specs: Sequence[ReportSpec], names: Iterable[str]) -> tuple[ReportSpec, ...]:
    """The named reports, or all; an entry's name selects its whole matrix, `region-*` all that begin so.

    Raises UsageError for a name that selects nothing.
    """
    names = list(names)
    if not names:
        return tuple(specs)
    problems = []
    for name in names:
        if not any(_is_named(spec, name) for spec in specs):
            message, hint = unknown("report", name, {spec.name for spec in specs} | {spec.entry for spec in specs})
            problems.append(Problem(message, hint=hint))
    if problems:
        raise UsageError(problems[0].message, problems=problems)
    return tuple(spec for spec in specs if any(_is_named(spec, name) for name in names))


def select_tags(reports: Mapping[str, Collection[str]], tags: Collection[str]) -> set[str]:
    """Which of the reports, listed with the tags that they have, have at least one of `tags`.

    Raises UsageError for a tag that none of them has.
    """
    used = {tag for own in reports.values() for tag in own}
    problems = []
    for tag in tags:
        if tag not in used:
            message, hint = unknown("tag", tag, used)
            problems.append(Problem(f"{message} among the {len(reports)} reports to choose from", hint=hint))
    if problems:
        raise UsageError(problems[0].message, problems=problems)
    return {name for name, own in reports.items() if not set(tags).isdisjoint(own)}


def _is_named(spec: ReportSpec, name: str) -> bool:
    return spec.entry == name or fnmatchcase(spec.name, name)


def _spread(entry: str, report: Report) -> Iterator[ReportSpec]:
    for combination in itertools.product(*report.matrix.values()):
        varied = dict(zip(report.matrix, combination, strict=True))
        yield ReportSpec(
            name=_name(entry, varied),
            entry=entry,
            instruction=report.instruction,
            params={**report.params, **varied},
            title=report.title,
            formats=canonical_formats(report.formats),
            contexts=None if report.contexts is None else tuple(report.contexts),
            data=report.data,
            model=report.model,
            checks=report.checks,
            template=report.template,
            css=report.css,
            tags=tuple(report.tags),
        )


def _name(entry: str, varied: Mapping[str, Any]) -> str:
    if not varied:
        return entry
    filled = _HOLE.sub(lambda match: _slug(str(varied.get(match[1], match[0]))), entry)
    return filled if filled != entry else "-".join([entry, *(_slug(str(value)) for value in varied.values())])


def _slug(text: str) -> str:
    """The text as part of a file name: Latin letters without their accents, those of other scripts as they are."""
    if not text.isascii():  # most are, and thousands are named at every check
        letters = unicodedata.normalize("NFKC", text)
        text = "".join(
            unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or letter for letter in letters
        )
    return re.sub(r"[^\w.]+|_+", "-", text).strip("-.").lower() or "x"


def _barren(reports: Mapping[str, Report]) -> Iterator[Problem]:
    for entry, report in reports.items():
        for name, values in report.matrix.items():
            if not values:
                hint = "list its values, or remove it from the matrix"
                yield Problem(f"reports.{entry}.matrix.{name} has no values, so no report would be built", hint=hint)


def _unfit(specs: Sequence[ReportSpec]) -> Iterator[Problem]:
    for spec in specs:
        if (
            not _NAME.match(spec.name)
            or len(spec.name) > _LONGEST
            or len(spec.name.encode()) > _MOST_BYTES
            or spec.name == "index"
        ):
            yield Problem(
                f'"{spec.name}" cannot name a report',
                hint=f"use letters, digits, dots, - and _, at most {_LONGEST} of them, and not index",
            )


def _doubled(specs: Sequence[ReportSpec]) -> Iterator[Problem]:
    by_name: dict[str, ReportSpec] = {}
    for spec in specs:
        twin = by_name.setdefault(spec.name.casefold(), spec)
        if twin is not spec:
            hint = "put the varied parameter into the name: overview-{TICKER}"
            yield Problem(f'two reports would be written to "{spec.name}"', hint=hint)
