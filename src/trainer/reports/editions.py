"""What changed from one edition of a report to another: figure by figure, and sentence by sentence."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trainer.core.markdown import read_markdown
from trainer.reports.compose import escaped
from trainer.reports.provenance import Provenance

ChangeKind = Literal["changed", "added", "removed"]

FIGURE_COLUMNS = ("Measure", "Before", "After", "Change", "Verdict")
_ALIKE = 0.5
"""Two sentences are one that changed from here on, else one that went and one that came; half their words agree."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A report as it stood once."""

    label: str
    """Where it is from: `HEAD`, a commit, or `now`."""
    provenance: Provenance
    """With its figures."""
    text: str
    """What it says, without what a build puts around it."""


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure that is another than before, of the same measure."""

    kind: ChangeKind
    measure: str
    before: str
    """As written; empty where it was added."""
    after: str
    date_before: str
    date_after: str
    change: float | None
    """Of the value, as a fraction of the value before; None where there is none."""
    verdict: str
    """Of the figure after, or of the one removed."""
    source: str
    """What is behind it."""

    def cells(self) -> tuple[str, ...]:
        """What tables show of it; see `FIGURE_COLUMNS`."""
        change = "" if self.change is None else f"{self.change * 100:+.1f} %".replace("-", "−")
        before, after = (
            f"{text} ({date})" if text and date else text
            for text, date in ((self.before, self.date_before), (self.after, self.date_after))
        )
        return (self.measure, before, after, change, self.verdict)


@dataclass(frozen=True, slots=True)
class SentenceChange:
    """One sentence or row of a table that is another than before."""

    kind: ChangeKind
    section: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EditionDiff:
    """What changed between two editions of a report."""

    report: str
    title: str
    before: str
    """The label of the earlier edition."""
    after: str
    date_before: str | None
    """The newest date of its data."""
    date_after: str | None
    data: tuple[str, ...]
    """Keys of data that is new, gone or another version, as `key: 1 -> 2`."""
    figures: tuple[FigureChange, ...]
    sentences: tuple[SentenceChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.data or self.figures or self.sentences)


def compare_editions(before: Edition, after: Edition, *, split: Callable[[str], Sequence[str]]) -> EditionDiff:
    """What changed; `split` parts a paragraph into its sentences."""
    old, new = before.provenance, after.provenance
    return EditionDiff(
        report=new.report,
        title=new.title,
        before=before.label,
        after=after.label,
        date_before=old.date,
        date_after=new.date,
        data=tuple(_data_changes(old, new)),
        figures=tuple(_figure_changes(old.figures, new.figures)),
        sentences=tuple(_sentence_changes(_sentences(before.text, split), _sentences(after.text, split))),
    )


def diff_markdown(diff: EditionDiff) -> str:
    """The differences as a Markdown document."""
    lines = [
        f"# {escaped(diff.title)}: what changed",
        "",
        f"From {escaped(diff.before)} (data as of {diff.date_before or 'no date'})"
        f" to {escaped(diff.after)} (data as of {diff.date_after or 'no date'}).",
    ]
    if diff.data:
        lines += ["", "## Data", "", *(f"- `{change}`" for change in diff.data)]
    if diff.figures:
        lines += ["", "## Figures", "", f"| {' | '.join(FIGURE_COLUMNS)} |", "| --- | ---: | ---: | ---: | --- |"]
        lines += [f"| {' | '.join(map(escaped, change.cells()))} |" for change in diff.figures]
    if diff.sentences:
        lines += ["", "## Text"]
        for section, changes in _by_section(diff.sentences):
            lines += ["", f"### {escaped(section or 'Above the first section')}", ""]
            for change in changes:
                lines += [f"- ~~{escaped(change.before)}~~"] if change.before else []
                lines += [f"- **{escaped(change.after)}**"] if change.after else []
    if diff.is_empty:
        lines += ["", "Nothing changed."]
    return "\n".join(lines) + "\n"


def _by_section(changes: Sequence[SentenceChange]) -> Iterator[tuple[str, list[SentenceChange]]]:
    sections: dict[str, list[SentenceChange]] = defaultdict(list)
    for change in changes:
        sections[change.section].append(change)
    yield from sections.items()


def _data_changes(old: Provenance, new: Provenance) -> Iterator[str]:
    before = {block.key: block.version for block in old.data if not block.sql}
    after = {block.key: block.version for block in new.data if not block.sql}
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield f"{key}: {before.get(key, 'none')} -> {after.get(key, 'none')}"


def _figure_changes(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Iterator[FigureChange]:
    """Figures of one measure are matched by their date, then by the place of what is behind them, then in order.

    So a market capitalisation of today is held against that of last month, and the revenue of 2024 against itself.
    """
    left, right = _by_measure(old), _by_measure(new)
    for measure in dict.fromkeys([*right, *left]):
        before, after = list(left.get(measure, ())), list(right.get(measure, ()))
        pairs = []
        for same in (_date, _place, lambda _: True):
            for figure in list(after):
                twin = next((one for one in before if same(one) == same(figure)), None)
                if twin is not None:
                    before.remove(twin)
                    after.remove(figure)
                    pairs.append((twin, figure))
        yield from (_figure_change(one, two) for one, two in pairs if one["text"] != two["text"] or _moved(one, two))
        yield from (_figure_change(None, figure) for figure in after)
        yield from (_figure_change(figure, None) for figure in before)


def _by_measure(figures: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The figures by measure and formula, those of one measure, date and text once."""
    measures: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = defaultdict(dict)
    for figure in figures:
        name = str(figure.get("measure") or figure["text"])
        if "formula" in figure:
            name = f"{name} (computed)"
        measures[name].setdefault((_date(figure), str(figure["text"])), figure)
    return {name: list(own.values()) for name, own in measures.items()}


def _date(figure: Mapping[str, Any]) -> str:
    return str(figure.get("date", ""))


def _place(figure: Mapping[str, Any]) -> str:
    """What is behind it, without versions: `file:ABBV:summary@2 /price/marketCap` is a place of any version."""
    return re.sub(r"@\d+(?= )", "", str(figure.get("support", "")))


def _moved(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    """Whether the verdict is another though the words are the same."""
    return bool(one["verdict"] != two["verdict"])


def _figure_change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> FigureChange:
    newest = after or before or {}
    old, new = (before or {}).get("value"), (after or {}).get("value")
    return FigureChange(
        kind="added" if before is None else "removed" if after is None else "changed",
        measure=str(newest.get("measure") or newest.get("text", "")),
        before=str(before["text"]) if before else "",
        after=str(after["text"]) if after else "",
        date_before=_date(before or {}),
        date_after=_date(after or {}),
        change=(new - old) / abs(old) if old and new is not None else None,
        verdict=str(newest.get("verdict", "")),
        source=str(newest.get("formula") or newest.get("support", "")),
    )


def _sentences(text: str, split: Callable[[str], Sequence[str]]) -> list[tuple[str, str]]:
    """Each sentence, item and row of a table with the section that it stands in."""
    sentences = []
    for block in read_markdown(text).blocks:
        section = " / ".join(block.headings)
        if block.kind == "heading":
            section = " / ".join([*block.headings, block.title])
        elif block.table:
            rows = (block.table.header, *block.table.rows)
            sentences += [(section, " | ".join(cell.text.strip() for cell in row)) for row in rows]
        else:
            sentences += [(section, sentence) for sentence in split(block.content or block.text)]
    return sentences


def _sentence_changes(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> Iterator[SentenceChange]:
    for tag, low, high, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        before, after = old[low:high], new[start:end]
        for section, text in list(after):
            alike = max(before, key=lambda one: _likeness(one[1], text), default=None)
            if alike is not None and _likeness(alike[1], text) >= _ALIKE:
                before.remove(alike)
                yield SentenceChange("changed", section, alike[1], text)
            else:
                yield SentenceChange("added", section, "", text)
        for section, text in before:
            yield SentenceChange("removed", section, text, "")


def _likeness(one: str, two: str) -> float:
    """From 0 to 1, by the words that both have in order."""
    return difflib.SequenceMatcher(None, one.split(), two.split(), autojunk=False).ratio()
