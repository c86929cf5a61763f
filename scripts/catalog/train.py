"""Train the linear model that tells which table a file belongs to: `python -m scripts.catalog.train` writes model.json.

It learns from the tables' own YAML (descriptions, words, fields, labels, examples) and from the short texts in
`corpus.txt`, by multinomial logistic regression, and nothing else; weights become whole numbers. The calibration is
made of files it did not learn from: `--calibrate FILE` takes lines of JSON `[probability, right]` as
`scripts.catalog.measure` prints them, and makes a rising step function of them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy

from trainer.catalog.definition import read_definitions
from trainer.catalog.matching import MODEL, features
from trainer.catalog.values import ColumnSignal, Signals

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "src" / "trainer" / "catalog" / MODEL
EPOCHS, RATE, DECAY = 400, 4.0, 0.0004
SHARPNESS = 6
"""Features have length one; a text's logits are this much larger, so that the weights stay small."""
LEAST = 40
"""Thousandths; smaller weights are left out, which makes the file a third and changes hardly a match."""
RULE_WEIGHT = 350
"""Thousandths that a point of the rules adds to a table's logit; chosen on the tuning files."""


def samples() -> Iterator[tuple[str, Signals]]:
    """Each table with one of the texts that belong to it."""
    for name, table in read_definitions().items():
        yield name, Signals(f"{name}.txt", "text/plain", table.title, table.description)
        yield name, Signals("", "text/plain", "", ". ".join(table.words))
        labels = [label for one in table.fields for label in (one.name.replace("_", " "), *one.labels)]
        yield name, Signals("", "text/plain", "", ". ".join(labels))
        columns = tuple(ColumnSignal(one.name) for one in table.fields)
        yield name, Signals("", "text/csv", "", "", columns=columns)
        for row in table.examples:
            yield name, Signals("", "text/plain", "", "\n".join(f"{key}: {value}" for key, value in row.items()))
    table = ""
    for line in (HERE / "corpus.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            table = line[3:].strip()
        elif line.strip():
            head = re.split(r"[.:]", line, maxsplit=1)[0][:80]
            yield table, Signals("", "text/plain", head, line)
            yield table, Signals("", "text/plain", "", line)


def train() -> dict[str, object]:
    """The model as JSON holds it."""
    data = [(table, features(signals)) for table, signals in samples()]
    tables = sorted({table for table, _ in data})
    counts = Counter(token for _, tokens in data for token in tokens)
    vocabulary = sorted(token for token, count in counts.items() if count > 1)
    at = {token: number for number, token in enumerate(vocabulary)}
    matrix = numpy.zeros((len(data), len(vocabulary)))
    target = numpy.zeros((len(data), len(tables)))
    for row, (table, tokens) in enumerate(data):
        target[row, tables.index(table)] = 1
        for token, weight in tokens.items():
            if token in at:
                matrix[row, at[token]] = weight
    # Every table counts the same, however many texts were written for it.
    weights = (1 / (target.sum(axis=0) * len(tables)))[target.argmax(axis=1)][:, None]
    parameters, bias = numpy.zeros((len(vocabulary), len(tables))), numpy.zeros(len(tables))
    for _ in range(EPOCHS):
        logits = SHARPNESS * (matrix @ parameters) + bias
        powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        error = (powers / powers.sum(axis=1, keepdims=True) - target) * weights
        parameters -= RATE * (SHARPNESS * (matrix.T @ error) + DECAY * parameters)
        bias -= RATE * error.sum(axis=0)
    whole = numpy.rint(1000 * SHARPNESS * parameters).astype(int)
    kept = {
        token: {str(number): int(value) for number, value in enumerate(whole[at[token]]) if abs(value) >= LEAST}
        for token in vocabulary
    }
    return {
        "tables": tables,
        "bias": [int(value) for value in numpy.rint(1000 * bias)],
        "weights": {token: values for token, values in kept.items() if values},
        "rule_weight": RULE_WEIGHT,
        "calibration": [],
    }


def calibrate(pairs: list[tuple[float, bool]], *, least: int = 20) -> list[list[int]]:
    """A rising step function from probability to share of right ones, by pooling neighbours that fall.

    Each step holds at least `least` files, and its share is drawn towards the model's own probability by six, so that
    a few easy files do not make a doubtful match a certain one.
    """
    pairs = sorted(pairs)
    groups = [pairs[start : start + least] for start in range(0, len(pairs), least)]
    if len(groups) > 1 and len(groups[-1]) < least:
        groups[-2:] = [groups[-2] + groups[-1]]
    pooled: list[list[tuple[float, bool]]] = []
    for group in groups:
        pooled.append(group)
        while len(pooled) > 1 and _share(pooled[-2]) > _share(pooled[-1]):
            pooled[-2:] = [pooled[-2] + pooled[-1]]
    return [[round(1000 * sum(one for one, _ in group) / len(group)), round(1000 * _share(group))] for group in pooled]


def _share(group: list[tuple[float, bool]]) -> float:
    raw = sum(one for one, _ in group) / len(group)
    return (sum(right for _, right in group) + 6 * raw) / (len(group) + 6)


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calibrate", type=Path, help="lines of JSON [probability, right]")
    chosen = parser.parse_args()
    random.seed(0)
    model = train()
    if chosen.calibrate:
        lines = chosen.calibrate.read_text(encoding="utf-8").splitlines()
        model["calibration"] = calibrate([(one, bool(right)) for one, right in map(json.loads, lines)])
    text = json.dumps(model, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes, {len(model['weights']):,} words")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
