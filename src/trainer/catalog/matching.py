"""Which table a file belongs to: rules of the definitions and a small linear model, one calibrated confidence.

The model is a file of whole numbers that `scripts/catalog/train.py` makes. Tables that a project adds have no weights
in it; for them the rules of their definition speak alone, on the same scale.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import PurePosixPath

from trainer.catalog.definition import TableDefinition, TableField
from trainer.catalog.values import Alternative, ColumnSignal, Signals, TableMatch
from trainer.core import bm25

MODEL = "model.json"
MOST_TEXT = 20_000
_SUFFIX = re.compile(r"(ies|ing|ed|es|s)$")
_TABULAR = (
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.apache.parquet",
    "application/x-ndjson",
    "spreadsheet",
)
_SHARE = 0.6
"""Of a file's columns that must be fields of a table, for its rows to be rows of the table."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights of words for tables, in thousandths, and the step function from margin to confidence."""

    tables: tuple[str, ...]
    bias: tuple[int, ...]
    weights: Mapping[str, Mapping[str, int]]
    """By word, then by the table's number."""
    rule_weight: int
    """Of a point of the rules, in thousandths."""
    calibration: tuple[tuple[int, int], ...]
    """Probability of the best table, in thousandths, and how often such a match was right, in thousandths; rising."""


def match_table(definitions: Mapping[str, TableDefinition], signals: Signals) -> TableMatch:
    """The table with the highest score, and how sure that is."""
    mapped = _best_mapping(definitions, signals.columns)
    scores, evidence = score_tables(definitions, signals)
    probabilities = softmax(scores)
    ranked = sorted(definitions, key=lambda name: (-probabilities[name], name))
    best = ranked[0]
    raw = probabilities[best]
    confidence = calibrated(raw)
    columns: Mapping[str, str] = {}
    if mapped is not None:
        table, columns, share = mapped
        if table != best:
            ranked = [table, *(name for name in ranked if name != table)]
            best = table
        confidence = max(confidence if ranked[0] == best else 0.0, round(0.5 + 0.45 * share, 3))
        evidence.setdefault(best, [])[:0] = [f"column {name} is {one}" for name, one in list(columns.items())[:4]]
    reasons = evidence.get(best, [])[:6]
    why = "; ".join(reasons[:4]) if reasons else "no word, name or column speaks for any table"
    return TableMatch(
        best,
        confidence if reasons else min(confidence, 0.3),
        f"{definitions[best].title}: {why}",
        tuple(reasons),
        tuple(Alternative(name, round(probabilities[name], 3)) for name in ranked[1:4]),
        columns,
    )


def score_tables(
    definitions: Mapping[str, TableDefinition], signals: Signals
) -> tuple[dict[str, float], dict[str, list[str]]]:
    """The score of each table, and what spoke for it."""
    model = read_model()
    tokens = features(signals)
    numbers = {name: number for number, name in enumerate(model.tables)}
    scores: dict[str, float] = {}
    evidence: dict[str, list[str]] = {}
    for name, definition in definitions.items():
        points, reasons = rule_points(definition, signals)
        number = numbers.get(name)
        # A definition that the model never saw has its rules alone, which then count twice.
        linear = model.bias[number] if number is not None else 0
        if number is not None:
            key = str(number)
            parts = {
                token: weight * model.weights[token].get(key, 0)
                for token, weight in tokens.items()
                if token in model.weights
            }
            linear += round(sum(parts.values()))
            strongest = sorted(parts, key=lambda token: -parts[token])[:4]
            reasons += [f'the word "{token}"' for token in strongest if parts[token] > 100 and "=" not in token]
        scores[name] = (linear + model.rule_weight * points * (1 if number is not None else 2)) / 1000
        evidence[name] = reasons
    return scores, evidence


def rule_points(definition: TableDefinition, signals: Signals) -> tuple[float, list[str]]:
    """What the definition's own rules say for a file, in points, and in words."""
    points = 0.0
    reasons: list[str] = []
    name = signals.file_name.lower()
    short = PurePosixPath(name).name
    named_so = False
    for pattern in definition.file_names:
        if fnmatch(short, pattern.lower()) or ("/" in name and fnmatch(name, pattern.lower())):
            # A bare extension says little; a name says much.
            points += 1 if pattern.startswith("*.") else 3
            named_so = True
            reasons.append(f"the file is named {PurePosixPath(signals.file_name).name}")
            break
    if signals.media_type and any(signals.media_type.startswith(kind) for kind in definition.media_types):
        points += 3 if signals.media_type.startswith(("image/", "audio/", "video/")) else 1.5
        reasons.append(f"it is {signals.media_type}")
    # A table of code of any language takes what is named as its files are: tests are code too.
    if signals.language and (signals.language in definition.languages or ("*" in definition.languages and named_so)):
        points += 3
        reasons.append(f"it is source code in {signals.language}")
    head = f" {' '.join(words(' '.join((signals.title, *signals.headings[:8]))))} "
    body = f" {' '.join(words(signals.text[:MOST_TEXT]))} "
    hits = [phrase for phrase in definition.words if f" {_folded(phrase)} " in body]
    titled = [phrase for phrase in definition.words if f" {_folded(phrase)} " in head]
    points += 1.5 * min(3, len(titled)) + min(6.0, sum(1.0 if " " in phrase else 0.5 for phrase in hits))
    if titled or hits:
        reasons.append("it says " + ", ".join(f'"{phrase}"' for phrase in dict.fromkeys((*titled, *hits[:4]))))
    columns = {_folded(column.name) for column in signals.columns}
    named = [column for column in definition.columns if _folded(column) in columns]
    points += 1.5 * min(3, len(named))
    if named:
        reasons.append(f"it has the columns {', '.join(named)}")
    return points, reasons


def features(signals: Signals) -> dict[str, float]:
    """What the linear model looks at: words and pairs of words by how often, title and name more, and kinds of file."""
    counts: Counter[str] = Counter()
    text = [stem(word) for word in words(signals.text[:MOST_TEXT])]
    counts.update(text)
    counts.update(f"{one}_{two}" for one, two in itertools.pairwise(text))
    heads = [stem(word) for word in words(" ".join((signals.title, *signals.headings[:20])))]
    names = [stem(word) for word in words(re.sub(r"[_\W]+", " ", PurePosixPath(signals.file_name).stem))]
    columns = [stem(word) for column in signals.columns for word in words(re.sub(r"_", " ", column.name))]
    weights = {token: 1 + math.log(count) for token, count in counts.items() if not token.isdigit()}
    for token in (*heads, *names, *columns):
        weights[token] = weights.get(token, 0.0) + 2.0
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    scaled = {token: weight / length for token, weight in weights.items()}
    kind = (signals.media_type or "unknown").lower()
    tabular = bool(signals.columns) or any(part in kind for part in _TABULAR)
    shape = "code" if signals.language else "table" if tabular else kind.partition("/")[0]
    return {**scaled, f"shape={shape}": 0.3}


def map_columns(definition: TableDefinition, columns: Sequence[ColumnSignal]) -> dict[str, str]:
    """The field of each column that is one: by the field's name, its labels, or what its values are."""
    mapping: dict[str, str] = {}
    for column in columns:
        folded = _folded(column.name)
        for one in definition.fields:
            if one.name in mapping.values():
                continue
            names = {_folded(one.name), *map(_folded, one.labels)}
            if folded in names and _fits(one, column):
                mapping[column.name] = one.name
                break
    for column in columns:
        if column.name in mapping or not column.semantic:
            continue
        for one in definition.fields:
            if one.semantic == column.semantic and one.name not in mapping.values():
                mapping[column.name] = one.name
                break
    return mapping


def softmax(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores as shares of one."""
    top = max(scores.values())
    powers = {name: math.exp(score - top) for name, score in scores.items()}
    total = sum(powers.values())
    return {name: power / total for name, power in powers.items()}


def calibrated(raw: float) -> float:
    """How often matches with such a probability were right, on files the model did not learn from."""
    steps = read_model().calibration
    before = (0, 0)
    for step in steps:
        if raw * 1000 <= step[0]:
            width = step[0] - before[0] or 1
            part = (raw * 1000 - before[0]) / width
            return round((before[1] + part * (step[1] - before[1])) / 1000, 3)
        before = step
    return round(before[1] / 1000, 3) if steps else round(raw, 3)


@cache
def read_model() -> LinearModel:
    """The model of the package."""
    value = json.loads((files("trainer.catalog") / MODEL).read_text(encoding="utf-8"))
    return LinearModel(
        tuple(value["tables"]),
        tuple(value["bias"]),
        value["weights"],
        value["rule_weight"],
        tuple((step[0], step[1]) for step in value["calibration"]),
    )


def stem(word: str) -> str:
    """A word without the commonest English endings: what was trained on `invoice` knows `invoices`."""
    if len(word) < 5:
        return word
    bare = _SUFFIX.sub("", word)
    return bare + "y" if word.endswith("ies") else bare


def _best_mapping(
    definitions: Mapping[str, TableDefinition], columns: Sequence[ColumnSignal]
) -> tuple[str, dict[str, str], float] | None:
    """The table whose fields the columns are: all its required fields, its key, and most of the file's columns."""
    best: tuple[str, dict[str, str], float] | None = None
    for name, definition in definitions.items():
        mapping = map_columns(definition, columns)
        fields = set(mapping.values())
        needed = {one.name for one in definition.fields if one.required and one.default is None}
        share = len(mapping) / len(columns) if columns else 0.0
        if len(mapping) < 2 or share < _SHARE or not needed <= fields:
            continue
        if best is None or (share, len(mapping)) > (best[2], len(best[1])):
            best = (name, mapping, share)
    return best


def _fits(one: TableField, column: ColumnSignal) -> bool:
    """Whether a column's values can be the field's: a text may be anything that is not plainly of another type."""
    numeric = ("integer", "number", "decimal")
    if column.type in numeric:
        return one.type in (*numeric, "text")
    if column.type == "boolean":
        return one.type in ("boolean", "text", "integer")
    if column.type in ("date", "datetime"):
        return one.type in ("date", "datetime", "text")
    return True


@lru_cache(maxsize=16)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, read once for all 33 definitions: without it, matching 10,000 files takes half an hour.

    A few are enough, for one file is matched after the other; 4,096 texts of 20,000 letters took hundreds of MB.
    """
    return tuple(bm25.words(text))


@lru_cache(maxsize=16_384)
def _folded(text: str) -> str:
    return " ".join(bm25.words(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")))
