"""A row from a document: labelled lines, entities and signals into the fields of a table, each cited to its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from trainer.catalog.definition import TableDefinition, TableField
from trainer.catalog.entities import NamedEntity, find_entities
from trainer.catalog.validation import convert_value, is_semantic
from trainer.catalog.values import Citation, Filling, Signals
from trainer.core.values import Json

MOST_TEXT = 20_000
"""Letters of a text that a row is made from."""
_LABELLED, _SIGNAL, _WORDS = 0.93, 0.85, 0.7
_OWN = {"path": 0.99, "file_name": 0.99, "media_type": 0.95, "title": 0.95, "columns": 0.95, "text": 0.95}
"""Ratings of the rules, not measurements: what is the file's own is sure, what words suggest is not."""
_NEAR = 60
"""Letters before an entity within which one of its field's words must stand."""


@dataclass(frozen=True, slots=True)
class _Value:
    value: Json
    confidence: float
    start: int = -1
    end: int = -1


def fill_row(definition: TableDefinition, signals: Signals, *, source: str) -> Filling:
    """The row of a table that a document is, with a citation for each value that stands in its text.

    A field is taken from a line `Label: value`, then from an entity, a signal, and the words that tell its value.
    What cannot be of the field's type is left out; nothing is guessed.
    """
    text = signals.text[:MOST_TEXT]
    labelled = _labelled_lines(text)
    entities = find_entities(text)
    signal = _Signals(signals, text, entities, source)
    values: dict[str, Json] = {}
    citations: dict[str, Citation] = {}
    confidences: dict[str, float] = {}
    for one in definition.fields:
        for candidate in _candidates(one, labelled, entities, signal, text):
            try:
                value = convert_value(one, candidate.value)
            except ValueError:
                continue
            if one.values and value not in one.values:
                continue
            if one.semantic and isinstance(value, str) and not is_semantic(one.semantic, value):
                continue
            values[one.name], confidences[one.name] = value, candidate.confidence
            if candidate.start >= 0:
                quoted = text[candidate.start : candidate.end]
                citations[one.name] = Citation(
                    source, candidate.start, candidate.end, quoted[:200], candidate.confidence
                )
            break
    needed = {*definition.key, *(one.name for one in definition.fields if one.required)}
    defaults = {one.name for one in definition.fields if one.default is not None}
    sure = [confidences.get(name, 1.0 if name in defaults else 0.0) for name in needed]
    return Filling(values, citations, round(min(sure, default=1.0), 4))


def _candidates(
    one: TableField,
    labelled: Mapping[str, tuple[str, int, int]],
    entities: Sequence[NamedEntity],
    signal: _Signals,
    text: str,
) -> Iterator[_Value]:
    """What the field may be, the surest first."""
    yield from _from_label(one, labelled, entities)
    if one.entity:
        yield from _from_entities(one, entities, text)
    if one.signal:
        yield from signal.read(one)
    if one.words:
        lowered = text.lower()
        for token in _told_by_words(one, f"{signal.title}\n{lowered}"):
            yield _Value(token, _WORDS)


def _from_label(
    one: TableField, labelled: Mapping[str, tuple[str, int, int]], entities: Sequence[NamedEntity]
) -> Iterator[_Value]:
    """What stands behind the field's name or one of its labels: the amount or date in it, else all of it."""
    for label in (one.name.replace("_", " "), *one.labels):
        if label not in labelled:
            continue
        value, start, end = labelled[label]
        for token in _told_by_words(one, value.lower()):
            yield _Value(token, _LABELLED, start, end)
        kinds = _INSIDE.get(one.type, ())
        for entity in entities:
            if entity.kind in kinds and start <= entity.start < end:
                bare = entity.value if entity.kind == "date" else entity.value.split(" ")[0].rstrip("%")
                yield _Value(bare, _LABELLED, entity.start, entity.end)
        yield _Value(value, _LABELLED, start, end)


_INSIDE = {
    "decimal": ("money", "percent"),
    "number": ("money", "percent"),
    "integer": ("money",),
    "date": ("date",),
    "datetime": ("date",),
}
"""The kinds of entities that a labelled value is read as, by the field's type."""


def _told_by_words(one: TableField, lowered: str) -> Iterator[str]:
    for value in one.values:
        if re.search(rf"\b{re.escape(value.replace('_', ' '))}\b", lowered) and len(lowered) < 80:
            yield value
    for value, words in one.words.items():
        if any(re.search(rf"\b{re.escape(word)}", lowered) for word in words):
            yield value


def _from_entities(one: TableField, entities: Sequence[NamedEntity], text: str) -> Iterator[_Value]:
    kind = "date" if one.entity == "datetime" else one.entity
    for entity in entities:
        if entity.kind != kind:
            continue
        if one.nearby_words:
            before = text[max(0, entity.start - _NEAR) : entity.start].lower()
            if not any(re.search(rf"\b{re.escape(word)}\b", before) for word in one.nearby_words):
                continue
        value = entity.value.split(" ")[0] if kind == "money" else entity.value
        yield _Value(value, round(entity.confidence * 0.9, 3), entity.start, entity.end)


class _Signals:
    """What fields take from the file itself."""

    def __init__(self, signals: Signals, text: str, entities: Sequence[NamedEntity], source: str) -> None:
        self._signals = signals
        self._text = text
        self._entities = entities
        self._source = source
        self.title = _title(signals, text)

    def read(self, one: TableField) -> Iterator[_Value]:
        """The candidates for a field by its `signal`."""
        name, facts = one.signal or "", self._signals.facts
        if name in facts and facts[name] is not None:
            yield _Value(facts[name], 0.95)
        elif name in _SCHEMES:
            entities = [entity for entity in self._entities if entity.scheme in _SCHEMES[name]]
            if one.type == "list":
                if entities:
                    unique = list(dict.fromkeys(entity.value for entity in entities))
                    yield _Value(unique, 0.9, entities[0].start, entities[0].end)
            else:
                yield from (_Value(entity.value, entity.confidence, entity.start, entity.end) for entity in entities)
            if name == "identifier":
                yield _Value(PurePosixPath(self._source or self._signals.file_name).stem, 0.6)
        elif name in _KINDS:
            entities = [entity for entity in self._entities if entity.kind == _KINDS[name]]
            if one.type == "list":
                yield _Value(list(dict.fromkeys(entity.value for entity in entities))[:20], 0.7)
            for entity in entities:
                value = entity.value.split(" ")[-1] if name == "currency" else entity.value.rstrip("% ")
                yield _Value(value, entity.confidence, entity.start, entity.end)
        else:
            value = self._plain(name)
            if value not in (None, "", []):
                at = self._text.find(value) if isinstance(value, str) and len(value) < 500 else -1
                yield _Value(
                    value, _OWN.get(name, _SIGNAL), at, at + len(value) if at >= 0 and isinstance(value, str) else -1
                )

    def _plain(self, name: str) -> Json:
        signals = self._signals
        if name in _TEXT_SIGNALS:
            return _TEXT_SIGNALS[name](self._text)
        own: dict[str, Json] = {
            "title": self.title,
            "summary": _summary(self._text, self.title),
            "path": self._source or signals.file_name,
            "columns": [column.name for column in signals.columns],
            "column_count": len(signals.columns) or None,
            "symbols": list(signals.symbols),
            "media_kind": (signals.media_type or "").partition("/")[0],
            "file_name": signals.file_name,
            "media_type": signals.media_type,
            "language": signals.language,
        }
        return own.get(name)


def _list_items(text: str) -> Json:
    items = re.findall(r"(?m)^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+(.{3,200})$", text)
    return [item.strip() for item in items[:40]]


def _placeholders(text: str) -> Json:
    return list(dict.fromkeys(re.findall(r"\{([A-Za-z_]\w{1,40})\}", text)))


def _error_lines(text: str) -> Json:
    return len([line for line in text.splitlines() if re.search(r"(?i)\b(?:error|fatal|exception)\b", line)])


def _period(text: str) -> Json:
    match = re.search(r"(?i)\b(?:FY\s?\d{2,4}|Q[1-4] \d{4}|\d{4} ?Q[1-4]|fiscal year \d{4})\b", text)
    return match[0] if match else None


_TEXT_SIGNALS: dict[str, Callable[[str], Json]] = {
    "text": str.strip,
    "list_items": _list_items,
    "placeholders": _placeholders,
    "error_lines": _error_lines,
    "period": _period,
}
"""Signals that are read from the text alone."""
_SCHEMES = {
    "identifier": ("labelled", "code"),
    "iban": ("iban",),
    "doi": ("doi",),
    "cves": ("cve",),
    "techniques": ("mitre",),
}
_KINDS = {
    "email": "email",
    "currency": "money",
    "percent": "percent",
    "people": "person",
    "organisations": "organisation",
}


_LABELLED_LINE = re.compile(
    r"(?m)^[ \t>*_|#-]*+([A-Za-z][\w /.&'-]{0,40}?)"
    r"(?:[*_ ]*+[:|\t]|[*_]*+ {3,}+|[*_ ]*+(?<= {3}))[*_ \t|]*+(\S[^\n]*+)"
)
"""Nothing gives back what it took: a label before 2,000 spaces took a minute."""


def _labelled_lines(text: str) -> dict[str, tuple[str, int, int]]:
    """Each `Label: value` line, or cell beside a label, by the label in small letters; the first of a label counts."""
    lines: dict[str, tuple[str, int, int]] = {}
    for match in _LABELLED_LINE.finditer(text):
        label = " ".join(match[1].lower().replace("_", " ").split())
        value = match[2].rstrip(" \t|*_")
        if value in ("", ":"):
            continue
        lines.setdefault(label, (value, match.start(2), match.start(2) + len(value)))
    return lines


def _title(signals: Signals, text: str) -> str:
    candidates = [signals.title, *signals.headings[:1]]
    first = next((line.strip(" #*=-\t") for line in text.splitlines() if line.strip(" #*=-\t")), "")
    if len(first) <= 120 and signals.language is None and not signals.columns:
        candidates.append(first)
    candidates.append(PurePosixPath(signals.file_name).stem.replace("_", " ").replace("-", " "))
    return next((" ".join(one.split())[:300] for one in candidates if one.strip()), "untitled")


def _summary(text: str, title: str) -> str | None:
    """The first paragraph of prose, at most 400 letters, ending with a word."""
    for paragraph in re.split(r"\n\s*\n", text):
        flat = " ".join(paragraph.split()).strip("#* ")
        if len(flat.split()) < 6 or flat == title:
            continue
        return flat if len(flat) <= 400 else flat[:400].rsplit(" ", 1)[0] + " …"
    return None
